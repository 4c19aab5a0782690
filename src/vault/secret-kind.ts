import { z } from 'zod';
import { SHORTEST_CONCEALED } from '#core/concealed.ts';
import { type Fault, TerminalError } from '#core/errors.ts';
import type { SecretKind } from './port.ts';

/** RFC 9110, section 5.1; how a message is framed and where it goes is not for a credential to say. */
const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const NOT_THESE: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding'],
  'upgrade',
]);
const PARAMETER = /^[A-Za-z0-9._~[\]-]{1,100}$/;
const HOST = /^(https?:\/\/)?(\*\.)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;
const MOST_HOSTS = 50;
const LONGEST_VALUE = 65_536;

const hosts = z.array(z.string());
const kindSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('bearer'), hosts }),
  z.object({ type: z.literal('basic'), username: z.string(), hosts }),
  z.object({ type: z.literal('header'), header: z.string(), hosts }),
  z.object({ type: z.literal('query'), parameter: z.string(), hosts }),
]);

/** A stored kind; undefined when it is none. */
export function readKind(text: string): SecretKind | undefined {
  try {
    return kindSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws TerminalError `secret.kind_invalid` with every fault */
export function checkKind(kind: SecretKind): void {
  const faults = [...kindFaults(kind)];
  const [first] = faults;
  if (first === undefined) return;
  throw new TerminalError('invalid', 'secret.kind_invalid', first.message, { faults, hint: first.hint });
}

function* kindFaults(kind: SecretKind): Generator<Fault> {
  if (kind.type === 'text') return;
  yield* hostFaults(kind.hosts);
  if (kind.type === 'basic' && (CONTROL.test(kind.username) || kind.username.includes(':'))) {
    yield { path: 'kind.username', message: 'a user name has neither a colon nor control characters' };
  }
  if (kind.type === 'header' && (!HEADER.test(kind.header) || NOT_THESE.has(kind.header.toLowerCase()))) {
    yield { path: 'kind.header', message: `"${kind.header.slice(0, 100)}" is no header that can be set` };
  }
  if (kind.type === 'query' && !PARAMETER.test(kind.parameter)) {
    yield { path: 'kind.parameter', message: `"${kind.parameter.slice(0, 100)}" is no parameter's name` };
  }
}

function* hostFaults(named: readonly string[]): Generator<Fault> {
  const hint = 'Write api.example.org, *.example.org, 192.168.1.20:8080 or https://api.example.org.';
  if (named.length === 0) {
    yield { path: 'kind.hosts', message: 'a credential names the hosts it may be sent to', hint };
  }
  if (named.length > MOST_HOSTS) yield { path: 'kind.hosts', message: `at most ${MOST_HOSTS} hosts` };
  for (const [i, host] of named.slice(0, MOST_HOSTS).entries()) {
    if (readHost(host) !== undefined) continue;
    yield { path: `kind.hosts[${i}]`, message: `"${host.slice(0, 100)}" is no host`, hint };
  }
}

/** @throws TerminalError `secret.value_invalid`; the value is never in the message */
export function checkValue(value: string, kind: SecretKind): void {
  const wrong = valueFault(value, kind);
  if (wrong === undefined) return;
  throw new TerminalError('invalid', 'secret.value_invalid', `the value ${wrong}`, {
    hint: 'A line break at the end comes from the shell: printf %s instead of echo, or the prompt of `chainbot secrets set`.',
  });
}

function valueFault(value: string, kind: SecretKind): string | undefined {
  if (value.length < SHORTEST_CONCEALED) return `is shorter than ${SHORTEST_CONCEALED} characters`;
  if (Buffer.byteLength(value) > LONGEST_VALUE) return `is longer than ${LONGEST_VALUE} bytes`;
  if (!value.isWellFormed()) return 'is not well-formed text';
  if (kind.type === 'text') return undefined;
  if (CONTROL.test(value)) return 'has a control character or a line break in it';
  const inHeader = kind.type === 'bearer' || kind.type === 'header';
  return inHeader && /[^\x20-\x7e]/.test(value) ? 'goes into a header and is not plain ASCII' : undefined;
}

interface HostPattern {
  readonly protocol: string | undefined;
  /** With a leading dot: whatever ends in it. */
  readonly hostname: string;
  readonly port: string | undefined;
}

/** Undefined when it is no host. */
function readHost(text: string): HostPattern | undefined {
  const [, scheme, wildcard, name = '', port] = HOST.exec(text) ?? [];
  const address = `${scheme ?? 'http://'}${name}`;
  if (name === '' || !URL.canParse(address) || Number(port?.slice(1) ?? 0) > 65_535) return undefined;
  const { hostname } = new URL(address);
  if (wildcard !== undefined && !/[a-z]/.test(hostname)) return undefined; // *.168.1.20 and *.[::1]
  return {
    protocol: scheme?.replace('//', ''),
    hostname: wildcard === undefined ? hostname : `.${hostname}`,
    port: port?.slice(1),
  };
}

/** May it be sent there? A pattern without scheme or port allows any. */
export function allowsHost(named: readonly string[], url: URL): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return named.some((text) => {
    const host = readHost(text);
    if (host === undefined) return false;
    const isNamed = host.hostname.startsWith('.')
      ? url.hostname.endsWith(host.hostname)
      : url.hostname === host.hostname;
    return isNamed && (host.protocol ?? url.protocol) === url.protocol && (host.port ?? port) === port;
  });
}

/** What a request is given of a credential. */
export function requestParts(
  kind: Exclude<SecretKind, { type: 'text' }>,
  value: string,
): { readonly headers: Record<string, string>; readonly query: Record<string, string> } {
  switch (kind.type) {
    case 'bearer':
      return { headers: { authorization: `Bearer ${value}` }, query: {} };
    case 'basic':
      return { headers: { authorization: `Basic ${basicOf(kind.username, value)}` }, query: {} };
    case 'header':
      return { headers: { [kind.header.toLowerCase()]: value }, query: {} };
    case 'query':
      return { headers: {}, query: { [kind.parameter]: value } };
  }
}

/** RFC 7617, in UTF-8. */
function basicOf(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

/** Every text that must not be seen of a secret. */
export function hiddenTexts(kind: SecretKind, value: string): readonly string[] {
  return kind.type === 'basic' ? [value, basicOf(kind.username, value)] : [value];
}
