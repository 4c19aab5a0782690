import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';

/**
 * A file's YAML or JSON. @throws TerminalError `cli.yaml_invalid` with line and column
 */
export async function parseYaml(text: string, file: string): Promise<Json> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error === undefined) return (document.toJS({ maxAliasCount: 100 }) ?? null) as Json;
  const { line, col } = lineCounter.linePos(error.pos[0]);
  throw new TerminalError('invalid', 'cli.yaml_invalid', `${file}:${line}:${col}: ${error.message}`, {
    hint: 'Texts with ": " or {{ in them are quoted.',
  });
}

/** A value as YAML, long texts as blocks. */
export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 110, aliasDuplicateObjects: false });
}
