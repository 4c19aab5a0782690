import type { TrialAnswer } from '#api/contract/workbench.ts';
import { ChainbotError, TerminalError } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { sourceType } from '../definition-file.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readJson, readText } from '../input.ts';
import { findRunId } from '../run-id.ts';
import type { Session } from '../session.ts';
import { printTrial } from '../view/trial.ts';
import { parseYaml, toYaml } from '../yaml.ts';

export interface TestOptions {
  readonly input?: string;
  readonly expect?: string;
}

/** Runs a definition on trial; exits 0 when it did as expected, or completed when nothing was expected. */
export async function test(session: Session, file: string, options: TestOptions): Promise<ExitCode> {
  const { io, screen } = session;
  const given = await readSubject(session, file);
  const expected = options.expect === undefined ? {} : await readCase(session, options.expect);
  const input = options.input === undefined ? {} : { input: await readJson(options.input, '--input', io) };
  const { definition: _, ...trial } = { ...given.trial, ...expected, ...input } as JsonObject;
  const api = await session.api();
  let answer: TrialAnswer;
  try {
    const testing = api.testWorkflow({ source: given.source, source_type: given.type, case: trial });
    answer = await session.progress.during('on trial', testing);
  } catch (error) {
    if (!(error instanceof ChainbotError)) throw error;
    return session.fail(error, file === '-' ? 'standard input' : file);
  }
  if (session.json) screen.json(answer);
  else printTrial(answer, screen);
  return (answer.passed ?? answer.status === 'completed') ? EXIT.ok : EXIT.failed;
}

interface Subject {
  readonly source: string;
  readonly type: 'yaml' | 'json';
  readonly trial: JsonObject;
}

/** A definition, or a case that has one in it. */
async function readSubject(session: Session, file: string): Promise<Subject> {
  const source = await readText(file, session.io);
  const type = sourceType(file, source);
  // A definition's own faults are the daemon's to tell, with their places.
  const read = await parseYaml(source, file).catch(() => null);
  if (!isJsonObject(read) || typeof read.definition !== 'string') return { source, type, trial: {} };
  const { definition } = read;
  return { source: definition, type: sourceType('', definition), trial: read };
}

const EXPECTATIONS = ['status', 'output', 'error', 'effects'];

/** A whole case, or only what is expected. */
async function readCase(session: Session, file: string): Promise<JsonObject> {
  const read = await parseYaml(await readText(file, session.io), file);
  if (!isJsonObject(read)) {
    throw new TerminalError('invalid', 'cli.case_invalid', `${file} is no case`, {
      hint: 'A case has given, input and expect: see docs/testing-workflows.md.',
    });
  }
  return EXPECTATIONS.some((name) => name in read) ? { expect: read as Json } : read;
}

export async function exportCase(session: Session, text: string): Promise<void> {
  const api = await session.api();
  const recorded = await api.runCase(await findRunId(api, text));
  if (session.json) return session.screen.json(recorded);
  session.screen.line((await toYaml(recorded)).trimEnd());
}
