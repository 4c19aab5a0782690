import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './rigs/site.ts';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const CODE = /```[\s\S]*?```|`[^`\n]*`/g;

/** Every heading of a page as the anchor that a link says. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  const anchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
  return new Set(headings.map(anchor));
}

function pages(): string[] {
  return globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).sort();
}

function isBroken(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (!existsSync(file)) return true;
  if (anchor === undefined || !file.endsWith('.md')) return false;
  return !anchorsOf(readFileSync(file, 'utf8').replace(/```[\s\S]*?```/g, '')).has(anchor);
}

test('every relative link in the pages leads somewhere', () => {
  const broken: string[] = [];
  let seen = 0;
  for (const page of pages()) {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(CODE, '');
    for (const [, target = ''] of text.matchAll(LINK)) {
      if (/^[a-z]+:/.test(target)) continue;
      seen++;
      if (isBroken(page, target)) broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
  expect(seen).toBeGreaterThan(50);
});

test('decisions are numbered without gaps', () => {
  const found = globSync('docs/decisions/*.md', { cwd: ROOT });
  const numbers = found
    .map((file) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]))
    .sort((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});
