/** Everything up to the end of the authority: scheme, host, port, and the character that ends them. */
const AUTHORITY = /^https?:\/\/([^/?#\\]+)(?=[/?#\\]|$)/i;

/**
 * Did the owner write scheme and host of this address themselves? True when they stand complete before the
 * first `{{` of the written text and the evaluated address still leads to that host. Then the LAN is allowed
 * (docs/steps.md, api_call).
 */
export function hostIsLiteral(written: unknown, evaluated: string): boolean {
  if (typeof written !== 'string') return false;
  const template = written.indexOf('{{');
  const fixed = template === -1 ? written : written.slice(0, template);
  const authority = AUTHORITY.exec(fixed);
  if (!authority) return false;
  // Ended only by the template: the data could go on with the host.
  if (template !== -1 && authority[0].length === fixed.length) return false;
  if (!URL.canParse(authority[0]) || !URL.canParse(evaluated)) return false;
  return new URL(authority[0]).origin === new URL(evaluated).origin;
}
