import type { ApiClient } from '#api/client.ts';
import { ChainbotError, type Fault, TerminalError } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readText } from '../input.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';
import { writeNew } from '../write-new.ts';
import { parseYaml, toYaml } from '../yaml.ts';

/** A workflow in a bundle. */
interface Packed {
  readonly name: string;
  readonly type: 'yaml' | 'json';
  readonly source: string;
}

const MOST_WORKFLOWS = 500;

function bundleOf(workflows: readonly Packed[]): JsonObject {
  return { bundle: 1, workflows: workflows.map((one) => ({ ...one })) };
}

export async function exportBundle(session: Session, names: readonly string[]): Promise<void> {
  const api = await session.api();
  const workflows: Packed[] = [];
  for (const name of names) {
    const { source, source_type } = await api.workflow(name);
    workflows.push({ name, type: source_type, source });
  }
  const bundle = bundleOf(workflows);
  if (session.json) return session.screen.json(bundle);
  session.screen.line((await toYaml(bundle)).trimEnd());
}

export interface ImportOptions {
  readonly replace?: boolean;
}

export async function importBundle(
  session: Session,
  file: string,
  options: ImportOptions,
): Promise<ExitCode> {
  const packed = unpack(await parseYaml(await readText(file, session.io), file), file);
  return storeAll(session, packed, options.replace === true, file);
}

function unpack(value: Json, file: string): readonly Packed[] {
  const list = isJsonObject(value) && value.bundle === 1 ? value.workflows : undefined;
  const packed = Array.isArray(list) ? (list as readonly Json[]).slice(0, MOST_WORKFLOWS) : [];
  const isPacked = (one: Json): one is JsonObject & Packed =>
    isJsonObject(one) && typeof one.name === 'string' && typeof one.source === 'string';
  if (packed.length === 0 || !packed.every(isPacked)) {
    throw new TerminalError('invalid', 'cli.bundle_invalid', `${file} is no bundle of workflows`, {
      hint: 'A bundle is what `chainbot workflows export` prints. A single definition: chainbot workflows add FILE.',
    });
  }
  return packed.map(({ name, type, source }) => ({ name, source, type: type === 'json' ? 'json' : 'yaml' }));
}

type Fate = 'new' | 'unchanged' | 'different';

/** Stores all or none: first everything is looked at. */
async function storeAll(
  session: Session,
  workflows: readonly Packed[],
  replace: boolean,
  from: string,
): Promise<ExitCode> {
  const api = await session.api();
  const faults = await faultsOf(api, workflows);
  if (faults.length > 0) {
    const message = `nothing of ${from} was stored: ${faults.length} faults`;
    throw new TerminalError('invalid', 'workflow.invalid', message, {
      faults,
      hint: 'Mend them and try again.',
    });
  }
  const fates = await fatesOf(api, workflows);
  const conflicts = workflows.filter(({ name }) => fates.get(name) === 'different');
  if (conflicts.length > 0 && !replace) {
    const names = conflicts.map(({ name }) => name);
    throw new TerminalError('conflict', 'workflow.conflict', `different here: ${names.join(', ')}`, {
      hint: 'Nothing was stored. --replace gives them a new version; the old ones stay.',
    });
  }
  const stored = [];
  for (const { name, source, type } of workflows) {
    const { version, created } = await api.saveWorkflow(source, type);
    stored.push({ name, version, created });
  }
  if (session.json) session.screen.json({ workflows: stored });
  else {
    for (const { name, version, created } of stored) {
      const fact = created ? 'stored as' : 'is unchanged,';
      session.screen.line(`${printable(name)} ${fact} version ${version}`);
    }
  }
  return EXIT.ok;
}

async function faultsOf(api: ApiClient, workflows: readonly Packed[]): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  for (const { name, source, type } of workflows) {
    const { problems } = await api.checkWorkflow(source, type);
    for (const { severity, path, ...rest } of problems) {
      // A device that is not here yet is no reason to leave a workflow out: saving does not look at it.
      if (severity === 'error' && !/^there is no device|can be read only/.test(rest.message)) {
        faults.push({ ...rest, path: `${name}: ${path}` });
      }
    }
  }
  return faults;
}

async function fatesOf(api: ApiClient, workflows: readonly Packed[]): Promise<ReadonlyMap<string, Fate>> {
  const fates = new Map<string, Fate>();
  for (const { name, source } of workflows) {
    try {
      fates.set(name, (await api.workflow(name)).source === source ? 'unchanged' : 'different');
    } catch (error) {
      if (!(error instanceof ChainbotError) || error.code !== 'workflow.not_found') throw error;
      fates.set(name, 'new');
    }
  }
  return fates;
}

export interface ImportFromOptions extends ImportOptions {
  readonly out?: string;
  readonly add?: boolean;
}

export async function importFrom(
  session: Session,
  from: 'n8n' | 'node-red',
  file: string,
  options: ImportFromOptions,
): Promise<ExitCode> {
  const { screen, json, io } = session;
  const foreign = await parseYaml(await readText(file, io), file);
  const answer = await (await session.api()).translateWorkflow(from, foreign);
  const packed = answer.workflows.map(({ name, source }): Packed => ({ name, type: 'yaml', source }));
  if (!json || options.add) {
    for (const { node, type, message } of answer.notes) {
      screen.note(`${screen.paintNote('bold', printable(node))} (${printable(type)}): ${printable(message)}`);
    }
    screen.note(`${answer.translated} of ${answer.nodes} nodes translated, ${packed.length} workflows`);
  }
  if (packed.length === 0) return EXIT.failed;
  if (options.add) return storeAll(session, packed, options.replace === true, file);
  if (json) screen.json(answer);
  else {
    const [only] = packed;
    const text = packed.length === 1 && only ? only.source : await toYaml(bundleOf(packed));
    if (options.out === undefined) screen.line(text.trimEnd());
    else {
      await writeNew(options.out, text, io);
      screen.line(`wrote ${printable(options.out)}`);
    }
  }
  return EXIT.ok;
}
