import { TerminalError } from '#core/errors.ts';

const LONGEST = 255;
/** RFC 9651 §3.3.3: a string of printable ASCII in quotes, `"` and `\` escaped. */
const QUOTED = /^"(?:[ !#-[\]-~]|\\["\\])*"$/;
const BARE = /^[!#-~]+$/;

/**
 * Reads an Idempotency-Key header: a quoted string as draft-ietf-httpapi-idempotency-key-header has it, or a
 * bare token as most clients send it; both name the same key.
 * @throws TerminalError `idempotency.key_invalid`
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (text.length <= LONGEST * 2 + 2) {
    if (QUOTED.test(text)) return bounded(text.slice(1, -1).replace(/\\(["\\])/g, '$1'));
    if (BARE.test(text)) return bounded(text);
  }
  throw invalid();
}

function bounded(key: string): string {
  if (key.length >= 1 && key.length <= LONGEST) return key;
  throw invalid();
}

function invalid(): TerminalError {
  const message = `the Idempotency-Key is not 1 to ${LONGEST} printable ASCII characters`;
  return new TerminalError('invalid', 'idempotency.key_invalid', message, {
    hint: 'Send a UUID in quotes: Idempotency-Key: "0192…".',
    faults: [{ path: 'Idempotency-Key', message }],
  });
}
