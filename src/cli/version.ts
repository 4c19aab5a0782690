import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version in the nearest package.json upwards: the same in the checkout (src/cli) and bundled (dist). */
export const VERSION = readVersion(import.meta.dirname);

function readVersion(start: string): string {
  for (const upwards of ['..', '../..']) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(start, upwards, 'package.json'), 'utf8'));
      if (name === 'chainbot' && typeof version === 'string') return version;
    } catch {
      // Not there: one further up.
    }
  }
  return 'unknown';
}
