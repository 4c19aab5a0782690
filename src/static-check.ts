import { catalogue } from './bus/catalogue.ts';
import { deviceReadStep } from './hardware/steps/device-read.ts';
import { deviceWriteStep } from './hardware/steps/device-write.ts';
import { mqttChannel } from './mqtt/notification-channel.ts';
import { publishStep } from './mqtt/steps/publish.ts';
import { emailChannel } from './outbound/email-channel.ts';
import { type CheckReport, checkDefinition } from './workflows/check/check-definition.ts';
import { type StepTypes, stepTypes } from './workflows/definition/step-types.ts';
import { NotificationChannels } from './workflows/notification-targets.ts';
import { apiCallStep } from './workflows/steps/api-call.ts';
import { emailStep } from './workflows/steps/email.ts';
import { notificationStep } from './workflows/steps/notification.ts';
import { transformStep } from './workflows/steps/transform.ts';
import { webhookStep } from './workflows/steps/webhook.ts';

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
  const channels = new NotificationChannels()
    .register(mqttChannel(nothing, 'chainbot'))
    .register(emailChannel(nothing));
  return stepTypes([
    transformStep,
    apiCallStep({ http: nothing, secrets: nothing, files: nothing }, { timeoutMs: 0, maxBytes: 0 }),
    webhookStep(nothing, nothing, { timeoutMs: 0 }),
    emailStep(nothing, nothing),
    notificationStep(nothing, nothing, channels),
    deviceReadStep(nothing),
    deviceWriteStep(nothing),
    publishStep(nothing),
  ]);
}

/** Checks a definition for all that does not hang on where it runs. */
export function checkStatically(source: string, type: 'yaml' | 'json'): CheckReport {
  return checkDefinition(source, type, { stepTypes: staticStepTypes(), events: Object.keys(catalogue) });
}
