import { SyntaxFault } from './failure.ts';

/**
 * Reading `{{ … }}` and CEL texts by their outermost marks, aware of CEL's string literals. Nothing here
 * understands an expression; it finds where one ends.
 */

/** A piece of a template: text that stands as it is, or an expression with its offset in the whole text. */
export type Part = { readonly text: string } | { readonly expression: string; readonly offset: number };

/** Brackets in brackets; what the parser and the evaluator recurse into. */
const DEEPEST_BRACKETS = 60;

/** Is there anything for {@link splitTemplate} to do? */
export function hasExpression(text: string): boolean {
  return text.includes('{{');
}

/**
 * Splits a text at its `{{ … }}`. `\{{` stands for `{{` itself.
 * @throws SyntaxFault for a `{{` that is not closed
 */
export function splitTemplate(text: string): readonly Part[] {
  const parts: Part[] = [];
  let literal = '';
  let from = 0;
  for (;;) {
    const open = text.indexOf('{{', from);
    if (open < 0) break;
    if (text[open - 1] === '\\' && open > from) {
      literal += `${text.slice(from, open - 1)}{{`;
      from = open + 2;
      continue;
    }
    literal += text.slice(from, open);
    const end = endOfExpression(text, open + 2);
    if (end < 0) {
      throw new SyntaxFault(
        'the {{ is never closed',
        open,
        'Close it with }}, or write \\{{ for the braces.',
      );
    }
    if (literal !== '') parts.push({ text: literal });
    literal = '';
    parts.push({ expression: text.slice(open + 2, end), offset: open + 2 });
    from = end + 2;
  }
  literal += text.slice(from);
  if (literal !== '' || parts.length === 0) parts.push({ text: literal });
  return parts;
}

/** Index of the `}}` that closes the expression at `from`, past strings and map literals; -1 when there is none. */
function endOfExpression(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; ) {
    const char = text[i];
    if (char === '"' || char === "'") {
      i = endOfString(text, i);
      continue;
    }
    if (text.startsWith('//', i)) {
      i = endOfComment(text, i);
      continue;
    }
    if (char === '{') depth++;
    else if (char === '}' && depth > 0) depth--;
    else if (char === '}' && text[i + 1] === '}') return i;
    i++;
  }
  return -1;
}

/** The index after the string literal that opens at `start`; the text's length when it is not closed. */
function endOfString(text: string, start: number): number {
  const quote = text[start] as string;
  const mark = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  const raw = /(^|[^A-Za-z0-9_])[bB]?[rR][bB]?$/.test(text.slice(Math.max(0, start - 3), start));
  for (let i = start + mark.length; i < text.length; i++) {
    if (text[i] === '\\' && !raw) i++;
    else if (text.startsWith(mark, i)) return i + mark.length;
  }
  return text.length;
}

/** A comment ends with its line, or with the expression it stands in. */
function endOfComment(text: string, start: number): number {
  const end = text.slice(start).search(/\n|\}\}/);
  return end < 0 ? text.length : start + end;
}

/** What `loop` is called before the parser: CEL reserves the word, and people expect it. As long as `loop`. */
export const LOOP_ALIAS = 'l__p';

/**
 * Makes a text ready for the CEL parser: `loop` gets its alias and comments become blanks, with every
 * column kept.
 * @throws SyntaxFault when brackets nest too deeply
 */
export function prepareText(text: string): string {
  let prepared = '';
  let depth = 0;
  for (let i = 0; i < text.length; ) {
    const char = text[i] as string;
    if (char === '"' || char === "'") {
      const end = endOfString(text, i);
      prepared += text.slice(i, end);
      i = end;
    } else if (text.startsWith('//', i)) {
      const end = endOfComment(text, i);
      prepared += ' '.repeat(end - i);
      i = end;
    } else if (/[A-Za-z_]/.test(char)) {
      const word = wordAt(text, i);
      prepared += word === 'loop' && !/\.\s*$/.test(prepared.slice(-8)) ? LOOP_ALIAS : word;
      i += word.length;
    } else {
      if ('([{'.includes(char) && ++depth > DEEPEST_BRACKETS) {
        throw new SyntaxFault(
          `brackets nest deeper than ${DEEPEST_BRACKETS}`,
          i,
          'Split it in several steps.',
        );
      }
      if (')]}'.includes(char)) depth--;
      prepared += char;
      i++;
    }
  }
  return prepared;
}

function wordAt(text: string, from: number): string {
  const word = /[A-Za-z0-9_]+/y;
  word.lastIndex = from;
  return word.exec(text)?.[0] ?? '';
}
