import { TerminalError } from '#core/errors.ts';

/** Deeper JSON than this is refused: everything that walks a value walks it with a stack. */
const DEEPEST = 128;

/**
 * Reads JSON text from a client. `isSecret`: what is wrong is said without a word of the text.
 * @throws TerminalError `request.malformed` with the line and column, `request.too_deep`
 */
export function readJson(text: string, isSecret = false): unknown {
  if (text.length > 2 * DEEPEST && isTooDeep(text)) {
    throw new TerminalError('invalid', 'request.too_deep', `the JSON is nested deeper than ${DEEPEST}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw isSecret ? hiddenFault() : malformed(text, error as SyntaxError);
  }
}

/** Lists and objects within each other, brackets in strings not counted. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

function hiddenFault(): TerminalError {
  return new TerminalError('invalid', 'request.malformed', 'this is not JSON', {
    hint: 'It holds a secret, so nothing of it is shown here. Check quotes and backslashes.',
  });
}

function malformed(text: string, error: SyntaxError): TerminalError {
  const told = /position (\d+)/.exec(error.message);
  const position = told ? Math.min(Number(told[1]), text.length) : text.length;
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  const column = position - before.lastIndexOf('\n');
  const message =
    text.trim() === '' ? 'the body is empty' : error.message.replace(/ in JSON at position .*$/, '');
  return new TerminalError('invalid', 'request.malformed', `this is not JSON: ${message}`, {
    faults: [{ path: '', message, line, column }],
    hint: 'Check it around that line and column.',
  });
}
