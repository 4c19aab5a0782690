/** Pauses between attempts: each up to twice the last, a random part of it, never longer than `longestMs`. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * The pause before attempt `failures` + 1, in milliseconds: between half and the whole of the exponential
 * step, so that a hundred appliances do not come back to a server in the same second.
 */
export function backoffMs(failures: number, options: BackoffOptions, random = Math.random): number {
  const step = Math.min(options.longestMs, options.firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return step / 2 + (random() * step) / 2;
}
