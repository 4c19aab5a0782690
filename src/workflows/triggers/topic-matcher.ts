/**
 * Does a topic match a filter? `+` stands for one level, `#` at the end for all below and the level above
 * (MQTT 5.0 §4.7.1). Wildcards do not match topics that begin with `$` (§4.7.2).
 */
export function topicMatcher(filter: string): (topic: string) => boolean {
  const wanted = filter.split('/');
  const open = wanted.at(-1) === '#';
  const fixed = open ? wanted.slice(0, -1) : wanted;
  return (topic) => {
    if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
    const levels = topic.split('/');
    if (open ? levels.length < fixed.length : levels.length !== fixed.length) return false;
    return fixed.every((level, index) => level === '+' || level === levels[index]);
  };
}
