import { createHash } from 'node:crypto';
import { v7, validate, version } from 'uuid';

/** A new UUIDv7 (RFC 9562 §5.7): sorts by the time it was made, in order within one process. */
export function newId(): string {
  return v7();
}

/** Is this text a UUIDv7, in any case? */
export function isId(text: string): boolean {
  return validate(text) && version(text) === 7;
}

/** Always the same UUIDv8 (RFC 9562 §5.8) for the same text: what a step makes is made once, however often it runs. */
export function idFrom(key: string): string {
  const bytes = createHash('sha256').update(key).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
