import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { isReadable, literally } from './translation.ts';

/** Where the data of n8n's nodes stands here. */
export interface DataPlaces {
  /** What comes in: `steps.fetch.output.body`. */
  readonly data: string;
  /** What a node by its name gave; undefined: it has none here. */
  of(node: string): string | undefined;
  /** Called with an expression that has no equal. */
  lost(text: string): void;
}

/** How JavaScript says it, and how CEL does. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/===/g, '=='],
  [/!==/g, '!='],
  [/\.toUpperCase\(\)/g, '.upper()'],
  [/\.toLowerCase\(\)/g, '.lower()'],
  [/\.trim\(\)/g, '.trim()'],
  [/\.includes\(/g, '.contains('],
  [/\.length\b/g, '.size()'],
  [/\$now\.toISO\(\)|\$now\b|new Date\(\)\.toISOString\(\)|new Date\(\)/g, 'now()'],
  [/\bNumber\(|\bparseFloat\(|\bparseInt\(/g, 'double('],
  [/\bString\(/g, 'string('],
  [/\bMath\.(round|floor|ceil|abs|min|max)\(/g, '$1('],
  [/\$execution\.id\b/g, 'run.id'],
  [/\$workflow\.name\b/g, 'run.workflow'],
];

/** Any value of a node's parameters, with its expressions (`={{ $json.a }}`) in ours. */
export function translateValue(value: Json | undefined, places: DataPlaces): Json {
  if (typeof value === 'string') return translateText(value, places);
  if (Array.isArray(value)) return value.map((one) => translateValue(one as Json, places));
  if (isJsonObject(value)) {
    const made: Record<string, Json> = {};
    for (const [name, one] of Object.entries(value as JsonObject)) made[name] = translateValue(one, places);
    return made;
  }
  return value ?? null;
}

/** Only a text that begins with = is a template over there. */
export function translateText(text: string, places: DataPlaces): string {
  if (!text.startsWith('=')) return literally(text);
  return text.slice(1).replace(/\{\{(.*?)\}\}/gs, (whole, inside: string) => {
    const ours = `{{ ${expression(inside, places)} }}`;
    if (isReadable(ours) && !/\$\w|=>/.test(ours)) return ours;
    places.lost(whole);
    return literally(whole);
  });
}

function expression(text: string, { data, of }: DataPlaces): string {
  const named = (whole: string, node: string): string => of(node) ?? whole;
  let ours = text
    .trim()
    .replace(/\$\(\s*["']([^"']+)["']\s*\)\.(?:item|first\(\)|last\(\)|all\(\)\[0\])\.json/g, named)
    .replace(/\$node\[\s*["']([^"']+)["']\s*\]\.json/g, named)
    .replace(/\$node\.(\w+)\.json/g, named)
    .replace(/\$input\.(?:item|first\(\)|last\(\)|all\(\)\[0\])\.json|\$json\b/g, data);
  for (const [pattern, word] of WORDS) ours = ours.replace(pattern, word);
  return ours;
}
