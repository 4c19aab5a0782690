/** How well a part is, 0.0 (useless) to 1.0 (well), with every reason and its remedy in words. */
export interface PartHealth {
  readonly score: number;
  readonly reasons: readonly string[];
  readonly remedies: readonly string[];
}

/**
 * A part of the daemon. Constructors do nothing; `start` is abortable and may be tried again after it threw;
 * `stop` ends every loop and timer the part owns and resolves when they have ended.
 */
export interface Part {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
}

export const WELL: PartHealth = Object.freeze({
  score: 1,
  reasons: Object.freeze([]),
  remedies: Object.freeze([]),
});

/** A score below 1 with its reason and remedy. */
export function unwell(score: number, reason: string, remedy: string): PartHealth {
  return { score, reasons: [reason], remedies: [remedy] };
}
