import type { Json } from '#core/json.ts';
import type { ReaderPort } from '#store/port.ts';
import type { Unit } from '#store/unit.ts';
import type { ActiveTrigger } from './trigger-index.ts';
import { causeOf, triggerKey } from './trigger-index.ts';
import { allTriggers, putFired, putState } from './trigger-table.ts';

interface Remembered {
  firedAt: number | null;
  firedTick: number | null;
  /** What it waited for, and what it keeps of that, as text. */
  state: string | null;
}

/** What triggers remember: when each fired last, and a state of its own. Read once; changed with the units. */
export class TriggerMemory {
  readonly #reader: ReaderPort;
  #rows = new Map<string, Remembered>();

  constructor(reader: ReaderPort) {
    this.#reader = reader;
  }

  open(): void {
    this.#rows = new Map();
    for (const row of this.#reader.all(allTriggers, {})) {
      this.#rows.set(triggerKey(row.workflow, row.trigger_index), {
        firedAt: row.fired_at,
        firedTick: row.fired_tick,
        state: row.state,
      });
    }
  }

  firedAt(workflow: string, index: number): number | null {
    return this.#rows.get(triggerKey(workflow, index))?.firedAt ?? null;
  }

  firedTick(workflow: string, index: number): number | null {
    return this.#rows.get(triggerKey(workflow, index))?.firedTick ?? null;
  }

  /** Puts a firing into a unit. Call what it gives once the unit is on disk. */
  fired(unit: Unit, { workflow, trigger }: ActiveTrigger, at: number, tick: number): () => void {
    unit.add(putFired, { workflow, trigger_index: trigger.index, fired_at: at, fired_tick: tick });
    return () => {
      const row = this.#row(workflow, trigger.index);
      row.firedAt = at;
      row.firedTick = tick;
    };
  }

  /** What the trigger kept; undefined when it waits for something else now, or never kept anything. */
  state(active: ActiveTrigger): Json | undefined {
    const text = this.#rows.get(triggerKey(active.workflow, active.trigger.index))?.state;
    if (!text) return undefined;
    const kept = JSON.parse(text) as { readonly cause: string; readonly state: Json };
    return kept.cause === causeOf(active.definition) ? kept.state : undefined;
  }

  /** Puts a state into a unit. */
  keep(unit: Unit, active: ActiveTrigger, state: Json): void {
    const text = JSON.stringify({ cause: causeOf(active.definition), state });
    unit.add(putState, { workflow: active.workflow, trigger_index: active.trigger.index, state: text });
    this.#row(active.workflow, active.trigger.index).state = text;
  }

  /** Forgets the state; false when there is none. */
  forget(workflow: string, index: number): boolean {
    const row = this.#rows.get(triggerKey(workflow, index));
    if (!row?.state) return false;
    row.state = null;
    return true;
  }

  #row(workflow: string, index: number): Remembered {
    const key = triggerKey(workflow, index);
    let row = this.#rows.get(key);
    if (!row) {
      row = { firedAt: null, firedTick: null, state: null };
      this.#rows.set(key, row);
    }
    return row;
  }
}
