import type { DevicesPort } from './hardware/port.ts';
import { deviceReadStep } from './hardware/steps/device-read.ts';
import { deviceWriteStep } from './hardware/steps/device-write.ts';
import { mqttChannel } from './mqtt/notification-channel.ts';
import type { PublishPort } from './mqtt/port.ts';
import { publishStep } from './mqtt/steps/publish.ts';
import { emailChannel } from './outbound/email-channel.ts';
import type { HttpPort, MailPort } from './outbound/port.ts';
import type { ReaderPort, WriterPort } from './store/port.ts';
import type { SecretsPort } from './vault/port.ts';
import { type StepTypes, stepTypes } from './workflows/definition/step-types.ts';
import { NotificationChannels } from './workflows/notification-targets.ts';
import { apiCallStep } from './workflows/steps/api-call.ts';
import { emailStep } from './workflows/steps/email.ts';
import { failStep } from './workflows/steps/fail.ts';
import { logStep } from './workflows/steps/log.ts';
import { notificationStep } from './workflows/steps/notification.ts';
import type { SiteFiles } from './workflows/steps/site-files.ts';
import { transformStep } from './workflows/steps/transform.ts';
import { webhookStep } from './workflows/steps/webhook.ts';

/** What the registered step types do their work with. */
export interface StepDeps {
  readonly reader: ReaderPort;
  readonly writer: WriterPort;
  readonly secrets: SecretsPort;
  readonly devices: DevicesPort;
  readonly publisher: PublishPort;
  readonly baseTopic: string;
  readonly http: HttpPort;
  readonly mail: MailPort;
  readonly files: SiteFiles;
  /** Of calls: milliseconds, and bytes of an answer. */
  readonly limits: { readonly timeoutMs: number; readonly maxBytes: number };
}

/** Every step type that the daemon registers, in one list for the daemon and for the checker without one. */
export function everyStepType(deps: StepDeps): StepTypes {
  const { reader, writer, secrets, devices, publisher, http, mail, files, limits } = deps;
  const channels = new NotificationChannels()
    .register(mqttChannel(publisher, deps.baseTopic))
    .register(emailChannel(mail));
  return stepTypes([
    transformStep,
    failStep,
    logStep,
    apiCallStep({ http, secrets, files }, limits),
    webhookStep(http, secrets, limits),
    emailStep(mail, files),
    notificationStep(reader, writer, channels),
    deviceReadStep(devices),
    deviceWriteStep(devices),
    publishStep(publisher),
  ]);
}
