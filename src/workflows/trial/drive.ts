import { setImmediate as turn } from 'node:timers/promises';
import { SYSTEM } from '#core/actor.ts';
import { parseDuration } from '#core/duration.ts';
import { ChainbotError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { Store } from '#store/store.ts';
import { Unit } from '#store/unit.ts';
import type { WaitStep } from '../definition/compiled.ts';
import type { Engine } from '../engine/engine.ts';
import { runById } from '../engine/run-table.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { JumpingClock } from './jumping-clock.ts';
import type { Recorder } from './recorder.ts';
import type { Given } from './trial-case.ts';

interface DriveOptions {
  readonly store: Store;
  readonly engine: Engine;
  readonly catalog: WorkflowCatalog;
  readonly clock: JumpingClock;
  readonly recorder: Recorder;
  /** Real time, milliseconds. */
  readonly mostMs: number;
}

/** Turns of the event loop with nothing to write: then nothing moves but by the clock. */
const QUIET_TURNS = 5;
const MOST_JUMPS = 50_000;
const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** A step that waits for something from outside. */
type Waiting = WaitStep['on'] | { readonly for: 'approval'; readonly path: string };

/** Something from outside that comes in a trial; `at` undefined: when a step waits for it. */
interface Arrival {
  readonly at: number | undefined;
  readonly isWanted: (wait: Waiting) => boolean;
  readonly come: (run: string) => Promise<unknown>;
}

/** Lets time jump in a trial, whenever nothing else happens, until the run has ended. */
export class Drive {
  readonly #options: DriveOptions;
  readonly #deadline: number;

  constructor(options: DriveOptions) {
    this.#options = options;
    this.#deadline = performance.now() + options.mostMs;
  }

  /** Gives what a person should know when it does not come to its end. */
  async toEnd(run: string, given: Given): Promise<readonly string[]> {
    const { clock } = this.#options;
    const begin = clock.now();
    const timed = this.#arrivals(given, begin);
    const untimed = timed.filter(({ at }) => at === undefined);
    const due = timed.filter(({ at }) => at !== undefined).sort((a, b) => Number(a.at) - Number(b.at));
    for (let jumps = 0; ; jumps++) {
      await this.#quiet();
      if (this.#hasEnded(run)) return [];
      if (jumps > MOST_JUMPS || performance.now() > this.#deadline) {
        return [`It was given up after ${jumps} waits: a trial is to be short.`];
      }
      const arrival = this.#wanted(untimed, run) ?? this.#due(due);
      if (arrival !== undefined) await this.#let(arrival, run);
      else if (clock.next === undefined || clock.next - begin > TEN_YEARS_MS) return [STILL_WAITS];
      else clock.jump();
    }
  }

  /** Lets time pass while something ends, such as a stop that waits. */
  async until(ending: Promise<unknown>): Promise<void> {
    const { clock } = this.#options;
    let over = false;
    const end = ending.finally(() => {
      over = true;
    });
    while (!over) {
      await this.#quiet();
      if (!over) clock.jump();
    }
    await end;
  }

  #hasEnded(id: string): boolean {
    return this.#options.store.reader.get(runById, { id })?.ended_at !== null;
  }

  #due(due: Arrival[]): Arrival | undefined {
    const { next } = this.#options.clock;
    const first = due[0];
    return first?.at !== undefined && (next === undefined || first.at <= next) ? due.shift() : undefined;
  }

  /** The first that a step of the run waits for. */
  #wanted(untimed: Arrival[], run: string): Arrival | undefined {
    if (untimed.length === 0) return undefined;
    const { engine, catalog } = this.#options;
    const { workflow, steps } = engine.runs.get(run);
    const { byId } = catalog.runnable(workflow).compiled;
    const waits = steps.flatMap(({ id, path, status }): Waiting[] => {
      const step = status === 'waiting' ? byId.get(id) : undefined;
      if (step?.kind === 'approval') return [{ for: 'approval', path }];
      return step?.kind === 'wait' ? [step.on] : [];
    });
    const found = untimed.findIndex(({ isWanted }) => waits.some(isWanted));
    return found < 0 ? undefined : untimed.splice(found, 1)[0];
  }

  async #let(arrival: Arrival, run: string): Promise<void> {
    if (arrival.at !== undefined) this.#options.clock.moveTo(arrival.at);
    await arrival.come(run).catch((error: unknown) => {
      // The run has ended, or the case names something that cannot come: the outcome shows it.
      if (!(error instanceof ChainbotError)) throw error;
    });
  }

  #arrivals({ signals, events, approvals }: Given, begin: number): Arrival[] {
    const { engine, store, clock } = this.#options;
    const at = (after: string | number | undefined) =>
      after === undefined ? undefined : begin + parseDuration(after);
    return [
      ...signals.map(({ name, payload, after }) => ({
        at: at(after),
        isWanted: (wait: Waiting) =>
          wait.for === 'signal' && (!wait.signal.literal || wait.signal.evaluate({}) === name),
        come: (run: string) => engine.runs.signal(run, name, payload as Json, SYSTEM),
      })),
      ...approvals.map(({ step, approve, comment, after }) => ({
        at: at(after),
        isWanted: (wait: Waiting) => wait.for === 'approval' && isAt(wait.path, step),
        come: async (run: string) => this.#answer(run, step, approve, comment),
      })),
      ...events.map(({ type, subject, data, after }) => ({
        at: at(after),
        isWanted: (wait: Waiting) => wait.for === 'event' && fits(wait.event, type),
        come: () =>
          store.commit(
            new Unit().event({
              type,
              subject,
              actor: 'system:trial',
              time: clock.now(),
              data: JSON.stringify(data),
            }),
          ),
      })),
    ];
  }

  async #answer(run: string, step: string, approve: boolean, comment: string | null): Promise<void> {
    const { approvals } = this.#options.engine;
    const open = approvals.list({ all: false, limit: 100 });
    const found = open.find((one) => one.run === run && isAt(one.path, step));
    if (found)
      await (approve
        ? approvals.approve(found.id, comment, SYSTEM)
        : approvals.reject(found.id, comment, SYSTEM));
  }

  async #quiet(): Promise<void> {
    const { store, recorder } = this.#options;
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      await turn();
      quiet = store.backlog === 0 && recorder.underWay === 0 ? quiet + 1 : 0;
      if (performance.now() > this.#deadline) return;
    }
  }
}

/** The path of a step, or its id. */
function isAt(path: string, step: string): boolean {
  return path === step || path.split('/').at(-1) === step;
}

function fits(wanted: string, type: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type;
}

const STILL_WAITS =
  'It still waits for something that does not come: say it under given: {signals: […]}, {events: […]} or {approvals: […]}, or give the wait a timeout.';
