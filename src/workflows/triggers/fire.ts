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
  readonly also?: ((unit: Unit) => void) | undefined;
}

/**
 * Starts a run for a trigger, if its `when` says so; resolves when the run is on disk. A start that is
 * refused for good (wrong input, a limit) is an event and a log line, not an error: nobody waits for it.
 * @throws RetryableError when it was not possible now
 */
export async function fire(active: ActiveTrigger, firing: Firing, deps: FireDeps): Promise<void> {
  const { workflow, trigger } = active;
  try {
    const scope = { trigger: firing.trigger };
    if (trigger.when && !evaluateCondition(trigger.when, scope)) return;
    const payload = firing.trigger.payload;
    const input = trigger.input
      ? trigger.input.evaluate(scope)
      : isJsonObject(payload) && !strict(active)
        ? payload
        : {};
    const { actor, idempotencyKey } = firing;
    await deps.runs.start({ workflow, input, actor, trigger: firing.trigger, idempotencyKey }, firing.also);
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    // Looked at again after a crash: its run is there, and only an input with a time in it came out otherwise.
    if (error instanceof TerminalError && error.code === 'idempotency.mismatch') return;
    await skipped(active, firing, error, deps);
  }
}

/** Is the payload kept out of the input because its schema takes no such keys? Then only `trigger` has it. */
function strict(active: ActiveTrigger): boolean {
  return active.version.compiled.definition.input?.additionalProperties === false;
}

async function skipped(active: ActiveTrigger, firing: Firing, error: unknown, deps: FireDeps): Promise<void> {
  const { message } = errorRecord(error);
  const { workflow, definition } = active;
  deps.log.warn(
    { workflow, trigger: definition.type, err: error },
    `a trigger did not start "${workflow}": ${message}`,
  );
  const data = { workflow, trigger: definition.type, reason: message };
  const event = eventRow(
    'chainbot.workflow.skipped',
    `workflow/${workflow}`,
    actorText(firing.actor),
    data,
    deps.clock.now(),
  );
  await deps.writer.commit(new Unit().event(event));
}
