/** How a definition's text is written, by its file's name, else by how it begins. */
export function sourceType(file: string, source: string): 'yaml' | 'json' {
  if (/\.ya?ml$/i.test(file)) return 'yaml';
  return /\.json$/i.test(file) || source.trimStart().startsWith('{') ? 'json' : 'yaml';
}
