const LONGEST_BYTES = 65_535;

/** Why a text is no MQTT topic filter (MQTT 3.1.1 §4.7.1), or undefined when it is one. */
export function mqttFilterFault(filter: string): string | undefined {
  if (filter === '') return 'a topic filter has at least one character';
  if (Buffer.byteLength(filter) > LONGEST_BYTES) return `a topic filter has at most ${LONGEST_BYTES} bytes`;
  if (filter.includes('\0')) return 'a topic filter has no U+0000';
  const levels = filter.split('/');
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i !== levels.length - 1)) {
      return '# stands alone in the last level: greenhouse/#';
    }
    if (level.includes('+') && level !== '+') return '+ stands alone in its level: greenhouse/+/report';
  }
  return undefined;
}
