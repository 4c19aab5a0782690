/**
 * MQTT topic filters (MQTT 5.0 §4.7): `+` stands for one level, `#` at the end for all below and the level
 * above. Neither matches, at the front, a topic that begins with `$` (§4.7.2).
 */

/** Takes a filter apart once; the function says whether a topic matches it. */
export function topicMatcher(filter: string): (topic: string) => boolean {
  if (!/[+#]/.test(filter)) return (topic) => topic === filter;
  const wanted = filter.split('/');
  const isWildFirst = /^[+#]/.test(filter);
  return (topic) => !(isWildFirst && topic.startsWith('$')) && levelsMatch(wanted, topic.split('/'));
}

/** Does everything that matches `inner` (a filter or a topic) match `outer`? `$` is left to the caller. */
export function filterCovers(outer: string, inner: string): boolean {
  return levelsMatch(outer.split('/'), inner.split('/'));
}

function levelsMatch(wanted: readonly string[], levels: readonly string[]): boolean {
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    const other = levels[index];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return wanted.length === levels.length;
}
