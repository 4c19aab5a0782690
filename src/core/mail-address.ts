/** `ann@example.org` or `Ann <ann@example.org>`; one address, nothing that could end a header line. */
const MAILBOX = /^(?:[^<>\p{Cc},;]*<)?([^\s<>@,;:"()[\]\\\p{Cc}]{1,64}@[^\s<>@,;:"()[\]\\\p{Cc}]{1,253})>?$/u;
const LONGEST = 400;

/** The bare address in what people write; undefined when it is none. */
export function bareAddress(text: string): string | undefined {
  const plain = text.trim();
  if (plain.length > LONGEST || plain.includes('<') !== plain.endsWith('>')) return undefined;
  return MAILBOX.exec(plain)?.[1];
}
