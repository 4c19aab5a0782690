import { eventRow } from '#bus/event-row.ts';
import type { Clock } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';

/** A part with what it counts: weights are relative; the module is never better than a critical part. */
export interface ScoredPart {
  readonly part: Pick<Part, 'name' | 'health'>;
  readonly weight: number;
  readonly critical: boolean;
}

export interface ModuleHealth {
  readonly status: 'ok' | 'degraded' | 'failed';
  /** 0.0 to 1.0. */
  readonly score: number;
  readonly parts: readonly {
    readonly name: string;
    readonly score: number;
    readonly weight: number;
    readonly reasons: string[];
    readonly remedies: string[];
  }[];
}

const OK_FROM = 0.8;
const FAILED_BELOW = 0.3;
/** Some parts ask the database how they are; a panel and a probe may ask many times a second. */
const SAME_FOR_MS = 200;
/** A change of score smaller than this is no news. */
const NEWS = 0.05;

/** Adds the parts up to the module's score, and writes an event when it changes. */
export class HealthBoard implements Part {
  readonly name = 'health';
  readonly #parts: ScoredPart[] = [];
  readonly #writer: WriterPort;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #everyMs: number;
  #timer: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();
  #told: ModuleHealth | undefined;
  #last: { readonly at: number; readonly health: ModuleHealth } | undefined;

  constructor(options: { writer: WriterPort; clock: Clock; log: Log; everyMs: number }) {
    this.#writer = options.writer;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#everyMs = options.everyMs;
  }

  add(part: Pick<Part, 'name' | 'health'>, weight: number, critical = false): void {
    this.#parts.push({ part, weight, critical });
    this.#last = undefined;
  }

  async start(_signal: AbortSignal): Promise<void> {
    const again = (): void => {
      this.#looking = this.look();
      this.#timer = this.#clock.after(this.#everyMs, again);
    };
    this.#timer = this.#clock.after(this.#everyMs, again);
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
  }

  health(): PartHealth {
    return WELL;
  }

  /** The module's health now; asked again within a moment, the same answer. */
  score(): ModuleHealth {
    const now = this.#clock.monotonic();
    if (!this.#last || now - this.#last.at >= SAME_FOR_MS || now < this.#last.at) {
      this.#last = { at: now, health: this.#scored() };
    }
    return this.#last.health;
  }

  #scored(): ModuleHealth {
    let sum = 0;
    let weights = 0;
    let cap = 1;
    const parts = this.#parts.map(({ part, weight, critical }) => {
      const { score, reasons, remedies } = healthOf(part);
      sum += score * weight;
      weights += weight;
      if (critical) cap = Math.min(cap, score);
      return { name: part.name, score, weight, reasons: [...reasons], remedies: [...remedies] };
    });
    const score = Math.round(Math.min(cap, weights === 0 ? 1 : sum / weights) * 1000) / 1000;
    const status = score >= OK_FROM ? 'ok' : score < FAILED_BELOW ? 'failed' : 'degraded';
    return { status, score, parts };
  }

  /** Writes `chainbot.module.health` when the score is news. */
  async look(): Promise<void> {
    const now = this.#scored();
    const before = this.#told;
    if (before && before.status === now.status && Math.abs(before.score - now.score) < NEWS) return;
    const reasons = now.parts.flatMap((part) => part.reasons.map((reason) => `${part.name}: ${reason}`));
    const data = { score: now.score, status: now.status, reasons };
    const event = eventRow('chainbot.module.health', '', 'system:chainbot', data, this.#clock.now());
    try {
      await this.#writer.commit(new Unit().event(event));
      this.#told = now;
    } catch (error) {
      this.#log.warn({ err: error, ...data }, 'the health could not be written down');
    }
  }
}

/** A part that can't even say how it is, is unwell; the others are still asked. */
function healthOf(part: ScoredPart['part']): PartHealth {
  try {
    return part.health();
  } catch (error) {
    return unwell(
      0,
      `it cannot say how it is: ${(error as Error).message}`,
      'See the log; start ChainBot again.',
    );
  }
}
