/** A part of a multipart/form-data body. */
export interface FormPart {
  readonly field: string;
  readonly bytes: Uint8Array;
  /** A file's name; absent for plain fields. */
  readonly name?: string | undefined;
  readonly type?: string | undefined;
}

/**
 * multipart/form-data (RFC 7578), names quoted as browsers do. The boundary is given, so that a request that is
 * sent again is the same request; it must not stand in the parts, which a hash in it makes sure of.
 */
export function encodeMultipart(
  parts: readonly FormPart[],
  boundary: string,
): { readonly body: Buffer; readonly type: string } {
  const chunks = parts.flatMap(({ field, bytes, name, type }) => [
    Buffer.from(`--${boundary}\r\n${headOf(field, name, type)}\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const body = Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

function headOf(field: string, name: string | undefined, type: string | undefined): string {
  const file = name === undefined ? '' : `; filename="${quoted(name)}"`;
  const head = `Content-Disposition: form-data; name="${quoted(field)}"${file}`;
  return type === undefined ? head : `${head}\r\nContent-Type: ${type.replace(/[\r\n]+/g, ' ')}`;
}

/** WHATWG HTML, "multipart/form-data encoding algorithm". */
const quoted = (text: string): string =>
  text.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22');
