import { catalogue } from './bus/catalogue.ts';
import { everyStepType } from './every-step-type.ts';
import { type CheckReport, checkDefinition } from './workflows/check/check-definition.ts';
import type { StepTypes } from './workflows/definition/step-types.ts';

/**
 * The checker without a daemon: every step type with nothing behind it, so that definitions can be checked on
 * any machine and config/workflow.schema.json can be written. `chainbot workflows check` loads it when no
 * daemon answers. It opens no file and no connection.
 */
const nothing = new Proxy(
  {},
  {
    get: () => () => {
      throw new Error('there is nothing behind the static checker');
    },
  },
) as never;

/** Every step type that the daemon registers; they can be asked, not run. */
export function staticStepTypes(): StepTypes {
  return everyStepType({
    ...{ reader: nothing, writer: nothing, secrets: nothing, devices: nothing, publisher: nothing },
    ...{ http: nothing, mail: nothing, files: nothing, baseTopic: 'chainbot' },
    limits: { timeoutMs: 0, maxBytes: 0 },
  });
}

/** Checks a definition for all that does not hang on where it runs. */
export function checkStatically(source: string, type: 'yaml' | 'json'): CheckReport {
  return checkDefinition(source, type, { stepTypes: staticStepTypes(), events: Object.keys(catalogue) });
}
