import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { StepTypes } from '../definition/step-types.ts';
import type { StepContext, StepType } from '../port.ts';
import { sampleOf } from './sample-of.ts';
import type { Answer, DeviceAnswer, Effect, Given } from './trial-case.ts';

/** The step that stands in for a workflow whose answers the case gives. */
export const ANSWER_TYPE = 'trial_answer';
const MOST_EFFECTS = 5000;

/**
 * Step types that record what they would do. Those without any effect run as they are; the others are
 * checked as ever, and answer what the case says.
 */
export class Recorder {
  readonly effects: Effect[] = [];
  readonly types: StepTypes;
  /** Steps that really run at this moment. */
  underWay = 0;
  /** Answers that were taken, by what they answer. */
  readonly #taken = new Map<string, number>();
  /** What devices were told: a later reading sees it. */
  readonly #told = new Map<string, DeviceAnswer>();
  readonly #given: Given;
  readonly #begin: () => number;
  readonly #workflowOf: (run: string) => string | undefined;

  /** `begin`: when the run began. `workflowOf`: the workflow of a run that the one on trial started. */
  constructor(
    real: StepTypes,
    given: Given,
    begin: () => number,
    workflowOf: (run: string) => string | undefined,
  ) {
    this.#given = given;
    this.#begin = begin;
    this.#workflowOf = workflowOf;
    const recorded = new Map<string, StepType>([[ANSWER_TYPE, this.#answering()]]);
    this.types = {
      get: (type) => {
        const known = recorded.get(type);
        const own = known === undefined ? real.get(type) : undefined;
        if (own === undefined) return known;
        const made = own.effect === 'none' ? this.#counted(own) : this.#recorded(own);
        recorded.set(type, made);
        return made;
      },
      types: real.types,
    };
  }

  #counted(type: StepType): StepType {
    return {
      ...type,
      run: async (fields, context) => {
        this.underWay++;
        try {
          return (
            (await this.#answer('step', this.#given.steps, context)) ?? (await type.run(fields, context))
          );
        } finally {
          this.underWay--;
        }
      },
    };
  }

  #recorded(type: StepType): StepType {
    return {
      ...type,
      run: async (fields, context) => {
        this.#check(type, fields);
        try {
          const output = await this.#outputOf(type, fields, context);
          this.#note(type, fields, context);
          return output;
        } catch (error) {
          if (!(error instanceof TerminalError && error.code === 'trial.not_given')) {
            this.#note(type, fields, context, true);
          }
          throw error;
        }
      },
    };
  }

  /** The fields after evaluation, as the real one would look at them. */
  #check(type: StepType, fields: JsonObject): void {
    const [fault, ...others] = type.check(fields);
    if (fault === undefined) return;
    throw new TerminalError('unprocessable', 'step.fields_invalid', fault.message, {
      hint: fault.hint,
      faults: [fault, ...others],
    });
  }

  #note(type: StepType, fields: JsonObject, context: StepContext, failed = false): void {
    if (type.effect === 'read') return;
    if (this.effects.length >= MOST_EFFECTS) {
      throw new TerminalError('failed', 'trial.too_long', `the trial has more than ${MOST_EFFECTS} effects`, {
        hint: 'Give it an input with less to do.',
      });
    }
    const { device, value } = fields;
    if (!failed && typeof device === 'string' && value !== undefined) {
      this.#told.set(device, value as DeviceAnswer);
    }
    this.effects.push({
      at: context.clock.now() - this.#begin(),
      step: this.#pathOf(context),
      type: type.type,
      attempt: context.attempt,
      fields,
      ...(failed ? { failed } : {}),
    });
  }

  async #outputOf(type: StepType, fields: JsonObject, context: StepContext): Promise<Json> {
    const said = await this.#answer('step', this.#given.steps, context);
    if (said !== undefined) return said;
    const { device } = fields;
    if (type.type === 'device_read' && typeof device === 'string') return this.#reading(device, context);
    const pretended = type.pretend ? type.pretend(fields) : (sampleOf(type.output) ?? null);
    if (pretended !== undefined) return pretended;
    const path = this.#pathOf(context);
    throw new TerminalError('failed', 'trial.not_given', `the case does not say what ${type.type} answers`, {
      hint: `Say it in the case: given: {steps: {${path}: {output: ${JSON.stringify(sampleOf(type.output) ?? null)}}}}`,
    });
  }

  /** What the case says, by path, then by id. @throws the error that it says */
  async #answer(what: string, all: Given['steps'], context: StepContext): Promise<Json | undefined> {
    const path = this.#pathOf(context);
    const key = [path, path.split(/[/:]/).at(-1) as string].find((one) => Object.hasOwn(all, one));
    return key === undefined ? undefined : outcomeOf(this.#next(`${what} ${key}`, all[key] as Answer));
  }

  #reading(device: string, context: StepContext): Json {
    const { devices } = this.#given;
    const given = Object.hasOwn(devices, device) ? devices[device] : undefined;
    const value = given === undefined ? this.#told.get(device) : this.#next(`device ${device}`, given);
    if (value === undefined) {
      throw new TerminalError('failed', 'trial.not_given', `the case does not say what "${device}" reads`, {
        hint: `Say it in the case: given: {devices: {${device}: 21.5}}`,
      });
    }
    if (typeof value === 'object') throw new RetryableError('device.fault', value.fault);
    const at = new Date(context.clock.now()).toISOString();
    return { value, unit: null, quality: 'good', at };
  }

  /** One after the other; the last one stays. */
  #next<T>(key: string, given: T | readonly T[]): T {
    if (!Array.isArray(given)) return given as T;
    const taken = this.#taken.get(key) ?? 0;
    this.#taken.set(key, taken + 1);
    return given[Math.min(taken, given.length - 1)] as T;
  }

  #pathOf({ runId, path }: StepContext): string {
    const workflow = this.#workflowOf(runId);
    return workflow === undefined ? path : `${workflow}:${path}`;
  }

  #answering(): StepType {
    return {
      type: ANSWER_TYPE,
      check: () => [],
      onInterrupt: () => 'retry',
      run: async ({ workflow }) => {
        const name = String(workflow);
        return outcomeOf(this.#next(`workflow ${name}`, this.#given.workflows[name] as Answer));
      },
    };
  }
}

function outcomeOf(answer: Answer): Json {
  if ('output' in answer) return answer.output as Json;
  const { code, message, retryable } = answer.error;
  throw retryable ? new RetryableError(code, message) : new TerminalError('failed', code, message);
}
