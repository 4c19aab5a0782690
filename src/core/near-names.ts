const LONGEST_NAME = 64;
const MOST_NAMES = 1000;
const MOST_ANSWERS = 3;

/**
 * The known names that somebody who wrote `wanted` may have meant, nearest first, at most three: a few
 * typing errors away (insertions, deletions, changes, neighbours swapped), or containing each other
 * (`fan` for `greenhouse_fan`).
 */
export function nearNames(wanted: string, known: Iterable<string>): readonly string[] {
  const target = wanted.toLowerCase();
  if (target.length === 0 || target.length > LONGEST_NAME) return [];
  const allowed = Math.max(1, Math.floor(target.length / 3));
  const near: { name: string; distance: number }[] = [];
  let seen = 0;
  for (const name of known) {
    if (++seen > MOST_NAMES) break;
    if (name.length > LONGEST_NAME) continue;
    const distance = closeness(target, name.toLowerCase());
    if (distance <= allowed) near.push({ name, distance });
  }
  near.sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name));
  // Far ones beside a near one only distract.
  const least = near[0]?.distance ?? 0;
  const best = near.filter(({ distance }) => distance <= Math.max(1, least));
  return best.slice(0, MOST_ANSWERS).map((entry) => entry.name);
}

/** `Did you mean "device"?`, or undefined when nothing is near. */
export function didYouMean(wanted: string, known: Iterable<string>): string | undefined {
  const names = nearNames(wanted, known);
  if (names.length === 0) return undefined;
  return `Did you mean ${names.map((name) => `"${name}"`).join(' or ')}?`;
}

function closeness(target: string, name: string): number {
  const distance = editDistance(target, name);
  const contained =
    Math.min(target.length, name.length) >= 3 && (name.includes(target) || target.includes(name));
  return contained ? Math.min(distance, 1) : distance;
}

/** Optimal string alignment: Levenshtein with swapped neighbours as one edit. At most 64 × 64 cells. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, at(before, j - 2) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return at(row, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
