import type { ReaderPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { RetentionDefinition } from '../definition-port.ts';
import {
  countSteps,
  dropRuns,
  dropSomeSteps,
  newestKeysOf,
  oldestRunsOf,
  versionAfter,
  versionKeysOf,
} from './retention-table.ts';

export interface RetentionLimits {
  /** Ended runs are kept this long, milliseconds. */
  readonly keepRunsMs: number;
  /** Those that failed; absent: like the others. */
  readonly keepFailedRunsMs?: number | undefined;
  /** At most so many of a workflow; absent: any number. */
  readonly keepRuns?: number | undefined;
}

interface Version {
  readonly key: number;
  readonly workflow: string;
}

interface Policy {
  readonly now: number;
  readonly endedBefore: number;
  readonly failedBefore: number;
  /** Keys below this are more than are kept. */
  readonly floor: number;
}

/** In one sweep at most; the next one goes on behind. */
const MOST_LOOKED_AT = 1000;
const MOST_DROPPED = 200;
const MOST_STEPS = 4000;
const MOST_VERSIONS = 200;
const PAGE = 200;
const DAY_MS = 86_400_000;

/**
 * Lets ended runs go, by what their workflow says of it and else by the configuration. Each sweep looks at the
 * oldest runs of some versions, over their index, and stops at the first that is too young for any rule; so what
 * it costs does not grow with the number of runs that are kept.
 */
export class RunRetention {
  readonly #reader: ReaderPort;
  readonly #limits: RetentionLimits;
  readonly #definedOf: (workflow: string) => RetentionDefinition | undefined;
  #version: Version | undefined;
  /** The last key looked at in this version. */
  #after = 0;
  /** Of this round, by workflow. */
  readonly #policies = new Map<string, Policy>();
  #isBehind = false;

  constructor(
    reader: ReaderPort,
    limits: RetentionLimits,
    definedOf: (workflow: string) => RetentionDefinition | undefined,
  ) {
    this.#reader = reader;
    this.#limits = limits;
    this.#definedOf = definedOf;
  }

  /** Removes what is due among the next runs: a unit to commit, and whether there is more right now. */
  sweep(now: number): { readonly unit: Unit | undefined; readonly more: boolean } {
    const due: number[] = [];
    for (let versions = 0, looked = 0; versions < MOST_VERSIONS && looked < MOST_LOOKED_AT; ) {
      const version = this.#version ?? this.#nextVersion();
      if (!version) break;
      const { key, workflow } = version;
      const page = this.#reader.all(oldestRunsOf, { version: key, after: this.#after, limit: PAGE });
      const policy = this.#policyOf(workflow, now);
      const young = page.findIndex((row) => isYoung(row, policy));
      for (const row of young < 0 ? page : page.slice(0, young)) {
        if (due.length >= MOST_DROPPED) return { unit: this.#drop(due), more: true };
        if (isDue(row, policy)) due.push(row.key);
        this.#after = row.key;
      }
      looked += page.length;
      if (young < 0 && page.length === PAGE) continue;
      versions++;
      if (!this.#nextVersion()) break; // the round is over
    }
    return { unit: this.#drop(due), more: this.#isBehind };
  }

  /** Undefined when all have been looked at; the next sweep begins anew. */
  #nextVersion(): Version | undefined {
    this.#after = 0;
    this.#version = this.#reader.get(versionAfter, { key: this.#version?.key ?? 0 });
    if (!this.#version) this.#policies.clear();
    return this.#version;
  }

  #policyOf(workflow: string, now: number): Policy {
    const known = this.#policies.get(workflow);
    if (known) return known;
    const { days, failures_days, keep = this.#limits.keepRuns } = this.#definedOf(workflow) ?? {};
    const { keepRunsMs, keepFailedRunsMs } = this.#limits;
    const endedMs = days === undefined ? keepRunsMs : days * DAY_MS;
    // Who says how long runs are kept and nothing of failures means these too.
    const unsaid = days === undefined ? (keepFailedRunsMs ?? keepRunsMs) : endedMs;
    const policy = {
      now,
      endedBefore: now - endedMs,
      failedBefore: now - (failures_days === undefined ? unsaid : failures_days * DAY_MS),
      floor: keep === undefined ? 0 : this.#floor(workflow, keep),
    };
    this.#policies.set(workflow, policy);
    return policy;
  }

  /** The key of the oldest run that is kept when the newest `keep` are, 0 when there are no more than that. */
  #floor(workflow: string, keep: number): number {
    let newest: number[] = [];
    let above = 0;
    for (const { key: version } of this.#reader.all(versionKeysOf, { workflow })) {
      const more = this.#reader.all(newestKeysOf, { version, above, limit: keep + 1 });
      newest = [...newest, ...more.map(({ key }) => key)].sort((a, b) => b - a).slice(0, keep + 1);
      if (newest.length > keep) above = newest[keep] as number;
    }
    return newest.length > keep ? (newest[keep - 1] as number) : 0;
  }

  /** All of it together has a bound: one run with very many steps goes bit by bit. */
  #drop(keys: readonly number[]): Unit | undefined {
    this.#isBehind = false;
    if (keys.length === 0) return undefined;
    let steps = 0;
    const whole: number[] = [];
    for (const run of keys) {
      const count = Number(this.#reader.get(countSteps, { run, limit: MOST_STEPS + 1 })?.count ?? 0);
      if (count > MOST_STEPS && whole.length === 0) {
        this.#again();
        return new Unit().add(dropSomeSteps, { run, limit: MOST_STEPS });
      }
      steps += count;
      if (steps > MOST_STEPS) {
        this.#again();
        break;
      }
      whole.push(run);
    }
    return new Unit().add(dropRuns, { keys: JSON.stringify(whole) });
  }

  /** What is left is found again. */
  #again(): void {
    this.#after = 0;
    this.#isBehind = true;
  }
}

interface Row {
  readonly key: number;
  readonly status: string;
  readonly created_at: number;
  readonly ended_at: number | null;
}

/** No rule can let it go, nor those after it, which were made later. One from the future says nothing of others. */
function isYoung(row: Row, { now, endedBefore, failedBefore, floor }: Policy): boolean {
  const { key, created_at } = row;
  return key >= floor && created_at <= now && created_at >= Math.max(endedBefore, failedBefore);
}

function isDue(row: Row, { endedBefore, failedBefore, floor }: Policy): boolean {
  if (row.ended_at === null) return false;
  return row.key < floor || row.ended_at < (row.status === 'failed' ? failedBefore : endedBefore);
}
