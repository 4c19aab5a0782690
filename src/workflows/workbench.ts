import { catalogue } from '#bus/catalogue.ts';
import type { Clock } from '#core/clock.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { type Log, silentLog } from '#core/log.ts';
import type { DevicesPort } from '#hardware/port.ts';
import type { SecretsPort } from '#vault/port.ts';
import { type CheckReport, checkDefinition } from './check/check-definition.ts';
import type { StepTypes } from './definition/step-types.ts';
import { Engine, type EngineOptions } from './engine/engine.ts';
import { translateN8n } from './interchange/n8n.ts';
import { translateNodeRed } from './interchange/node-red.ts';
import type { Translation } from './interchange/translation.ts';
import type { RunsPort, WorkflowsPort } from './runs-port.ts';
import { type TemplateSummary, Templates } from './templates/templates.ts';
import { caseOfRun } from './trial/case-of-run.ts';
import { readTrialCase } from './trial/trial-case.ts';
import { type TrialReport, Trials } from './trial/trials.ts';

/** What helps people to write workflows. Nothing here changes anything. */
export interface WorkbenchPort {
  /** Every fault and what is odd; knows the devices and the workflows of this appliance. */
  check(source: string, type: 'yaml' | 'json'): CheckReport;
  /**
   * Runs a definition with its effects recorded instead of done.
   * @throws TerminalError `workflow.invalid`, `trial.case_invalid`, `run.input_invalid`
   * @throws RetryableError `trial.busy`
   */
  test(source: string, type: 'yaml' | 'json', trial: Json): Promise<TrialReport>;
  /** A recorded run as a case for `test`. @throws TerminalError `run.not_found` */
  caseOf(run: string): JsonObject;
  templates(): Promise<readonly TemplateSummary[]>;
  /** @throws TerminalError `template.not_found`, `template.values_invalid` */
  render(template: string, values: JsonObject): Promise<string>;
  /** @throws TerminalError `import.invalid` */
  translate(from: 'n8n' | 'node-red', file: Json): Translation;
}

export interface WorkbenchOptions {
  readonly stepTypes: StepTypes;
  readonly workflows: WorkflowsPort;
  readonly runs: Pick<RunsPort, 'get'>;
  readonly devices: Pick<DevicesPort, 'list'>;
  readonly secrets: Pick<SecretsPort, 'names'>;
  /** Limits of the daemon's engine; trials run under the same. */
  readonly limits: EngineOptions['limits'];
  /** The folder of the templates. */
  readonly templates: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Beyond what a trial may take: in a trial nothing is put out of memory, and nobody keeps house. */
const NEVER_MS = 1e12;

export class Workbench implements WorkbenchPort {
  readonly #options: WorkbenchOptions;
  readonly #templates: Templates;
  readonly #trials: Trials;

  constructor(options: WorkbenchOptions) {
    const { stepTypes, workflows, clock, log } = options;
    const limits = { ...options.limits, restAfterMs: NEVER_MS, housekeepingMs: NEVER_MS };
    this.#options = options;
    this.#templates = new Templates(options.templates);
    this.#trials = new Trials({
      ...{ stepTypes, workflows, clock, log },
      engine: (parts) => new Engine({ ...parts, log: silentLog, limits }),
    });
  }

  check(source: string, type: 'yaml' | 'json'): CheckReport {
    const { stepTypes, devices, workflows, secrets } = this.#options;
    return checkDefinition(source, type, {
      stepTypes,
      events: Object.keys(catalogue),
      devices: devices.list(),
      workflows: workflows.list().map(({ name }) => name),
      secrets: secrets.names(),
    });
  }

  async test(source: string, type: 'yaml' | 'json', trial: Json): Promise<TrialReport> {
    return this.#trials.run(source, type, readTrialCase(trial));
  }

  caseOf(id: string): JsonObject {
    const run = this.#options.runs.get(id);
    return caseOfRun(run, this.#options.workflows.get(run.workflow, run.version), this.#options.stepTypes);
  }

  templates(): Promise<readonly TemplateSummary[]> {
    return this.#templates.list();
  }

  render(template: string, values: JsonObject): Promise<string> {
    return this.#templates.render(template, values);
  }

  translate(from: 'n8n' | 'node-red', file: Json): Translation {
    return from === 'n8n' ? translateN8n(file) : translateNodeRed(file);
  }
}
