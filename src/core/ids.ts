import { v7, validate, version } from 'uuid';

/** A new UUIDv7 (RFC 9562 §5.7): sorts by the time it was made, in order within one process. */
export function newId(): string {
  return v7();
}

/** Is this text a UUIDv7, in any case? */
export function isId(text: string): boolean {
  return validate(text) && version(text) === 7;
}
