import type { CheckAnswer } from '#api/contract/workbench.ts';

interface StaticCheck {
  checkStatically(source: string, type: 'yaml' | 'json'): CheckAnswer;
}

/**
 * The checker that needs no daemon. It is a file of its own, beside this command in dist/ as in src/, because it
 * is as large as everything else here together and seldom wanted; it opens no database.
 */
export async function loadStaticCheck(): Promise<StaticCheck> {
  const file = import.meta.url.endsWith('.ts') ? '../static-check.ts' : './static-check.js';
  return (await import(new URL(file, import.meta.url).href)) as StaticCheck;
}
