import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { isJsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { Runs } from '../engine/runs.ts';
import { evaluateCondition } from '../expressions/expression.ts';
import type { ActiveTrigger } from './trigger-index.ts';

export interface FireDeps {
  readonly runs: Pick<Runs, 'start' | 'workflowOf'>;
  readonly writer: WriterPort;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Firing {
  /** What the run sees as `trigger`. */
  readonly trigger: JsonObject;
  readonly actor: Actor;
  /** The same cause never starts two runs. */
  readonly idempotencyKey?: string | undefined;
  /** The cause's own facts: on disk with whatever comes of it, a run or none. */
  readonly also?: ((unit: Unit) => void) | undefined;
}

/** `passed`: its `when` said no, or it was refused for good. */
export type Fired = 'started' | 'passed';

/** Does the trigger's `when` let it pass? One that can't be evaluated is told, and does not. */
export async function isWanted(active: ActiveTrigger, firing: Firing, deps: FireDeps): Promise<boolean> {
  const { when } = active.trigger;
  if (!when) return true;
  try {
    if (evaluateCondition(when, { trigger: firing.trigger })) return true;
  } catch (error) {
    await skipped(active, firing, errorRecord(error).message, deps);
    return false;
  }
  await settle(firing, deps);
  return false;
}

/**
 * Starts a run for a trigger; resolves when it is on disk. A start that is refused for good (wrong input, a
 * limit) is an event and a log line, not an error: nobody waits for it. `withRun` goes into the run's unit only.
 * @throws RetryableError when it was not possible now
 */
export async function startRun(
  active: ActiveTrigger,
  firing: Firing,
  deps: FireDeps,
  withRun: (unit: Unit) => void,
): Promise<Fired> {
  const { workflow, trigger } = active;
  try {
    const payload = firing.trigger.payload;
    const input = trigger.input
      ? trigger.input.evaluate({ trigger: firing.trigger })
      : isJsonObject(payload) && !strict(active)
        ? payload
        : {};
    const { actor, idempotencyKey } = firing;
    const start = { workflow, input, actor, trigger: firing.trigger, idempotencyKey };
    const { replayed } = await deps.runs.start(start, (unit) => {
      firing.also?.(unit);
      withRun(unit);
    });
    if (replayed) await settle(firing, deps);
    return 'started';
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    // Looked at again after a crash: its run is there, and only an input with a time in it came out otherwise.
    if (error instanceof TerminalError && error.code === 'idempotency.mismatch') {
      await settle(firing, deps);
      return 'started';
    }
    await skipped(active, firing, errorRecord(error).message, deps);
    return 'passed';
  }
}

/** Puts the cause's own facts on disk when no run took them along. */
export async function settle(firing: Firing, deps: Pick<FireDeps, 'writer'>): Promise<void> {
  if (!firing.also) return;
  const unit = new Unit();
  firing.also(unit);
  await deps.writer.commit(unit);
}

/** Writes down that a trigger started nothing, and why. @throws RetryableError `store.*` */
export async function skipped(
  active: ActiveTrigger,
  firing: Pick<Firing, 'actor' | 'also'>,
  reason: string,
  deps: FireDeps,
): Promise<void> {
  const { workflow, definition } = active;
  deps.log.warn({ workflow, trigger: definition.type }, `a trigger did not start "${workflow}": ${reason}`);
  const data = { workflow, trigger: definition.type, reason };
  const actor = actorText(firing.actor);
  const unit = new Unit();
  firing.also?.(unit);
  unit.event(eventRow('chainbot.workflow.skipped', `workflow/${workflow}`, actor, data, deps.clock.now()));
  await deps.writer.commit(unit);
}

/** Is the payload kept out of the input because its schema takes no such keys? Then only `trigger` has it. */
function strict(active: ActiveTrigger): boolean {
  return active.version.compiled.definition.input?.additionalProperties === false;
}
