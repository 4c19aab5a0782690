import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { ChainbotError, RetryableError, TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import { didYouMean } from '#core/near-names.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { CompiledDefinition } from './definition/compiled.ts';
import { definitionDiff } from './definition/definition-diff.ts';
import { compileDefinition, parseDefinition } from './definition/parse-definition.ts';
import type { StepTypes } from './definition/step-types.ts';
import type { RetentionDefinition, WorkflowDefinition } from './definition-port.ts';
import type { DefinitionChange, WorkflowDetail, WorkflowSummary, WorkflowsPort } from './runs-port.ts';
import {
  allWorkflows,
  insertVersion,
  lastVersionKey,
  putWorkflow,
  removeWorkflow,
  versionByKey,
  versionBySource,
  versionOf,
  versionsOf,
} from './workflows-table.ts';

/** A version of a workflow, ready to run. */
export interface RunnableVersion {
  readonly key: number;
  readonly name: string;
  readonly version: number;
  readonly compiled: CompiledDefinition;
}

interface Entry extends WorkflowSummary {
  readonly versionKey: number;
  readonly definition: string;
  readonly retention: RetentionDefinition | undefined;
  readonly removed: boolean;
}

interface CatalogDeps {
  readonly store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly stepTypes: StepTypes;
  readonly clock: Clock;
}

/** Compiled versions kept in memory; more are compiled again when they are wanted. */
const MOST_COMPILED = 500;

/** The stored workflows: immutable versions, the newest of each in use. */
export class WorkflowCatalog implements WorkflowsPort {
  readonly #deps: CatalogDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #compiled = new Map<number, RunnableVersion>();
  readonly #listeners = new Set<() => void>();
  #isRead = false;
  #lastKey = 0;
  /** Saves and removals one after the other: each looks at what is there. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: CatalogDeps) {
    this.#deps = deps;
  }

  /** Reads what is stored. */
  open(): void {
    const { reader } = this.#deps.store;
    this.#lastKey = reader.get(lastVersionKey, {})?.key ?? 0;
    for (const row of reader.all(allWorkflows, {})) {
      const definition = JSON.parse(row.definition) as WorkflowDefinition;
      this.#entries.set(row.name, {
        ...summary(row.id, definition, row.version, row.created_at, row.updated_at),
        versionKey: row.key,
        definition: row.definition,
        retention: definition.retention,
        removed: row.removed_at !== null,
      });
    }
    this.#isRead = true;
  }

  /** Called after a workflow was saved or removed. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async save(
    source: string,
    type: 'yaml' | 'json',
    actor: Actor,
  ): Promise<WorkflowSummary & { readonly created: boolean }> {
    const compiled = parseDefinition(source, type, this.#deps.stepTypes, { clock: this.#deps.clock });
    return this.#inTurn(async () => {
      const text = JSON.stringify(compiled.definition);
      const before = this.#entries.get(compiled.definition.name);
      if (before && !before.removed && before.definition === text)
        return { ...publicPart(before), created: false };
      const entry = await this.#storeVersion({ source, type, text, compiled, before, actor });
      return { ...publicPart(entry), created: true };
    });
  }

  /** The workflow in use whose newest version was stored from exactly this text. */
  findSource(source: string): string | undefined {
    const row = this.#deps.store.reader.get(versionBySource, { source });
    const entry = row && this.#entries.get(row.workflow);
    return entry && !entry.removed && entry.version === row.version ? entry.name : undefined;
  }

  list(): readonly WorkflowSummary[] {
    return [...this.#entries.values()]
      .filter((entry) => !entry.removed)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(publicPart);
  }

  get(name: string, version?: number): WorkflowDetail {
    const entry = this.#entry(name);
    const wanted = version ?? entry.version;
    const row = this.#deps.store.reader.get(versionOf, { workflow: name, version: wanted });
    if (!row) throw noVersion(name, wanted, entry.version);
    const definition = JSON.parse(row.definition) as WorkflowDefinition;
    return {
      ...summary(entry.id, definition, row.version, entry.createdAt, row.created_at),
      definition,
      source: row.source,
      sourceType: row.source_type,
    };
  }

  versions(name: string): readonly { version: number; createdAt: number; actor: string }[] {
    this.#entry(name);
    const rows = this.#deps.store.reader.all(versionsOf, { workflow: name });
    return rows.map((row) => ({ version: row.version, createdAt: row.created_at, actor: row.actor }));
  }

  diff(name: string, from: number, to: number): readonly DefinitionChange[] {
    return definitionDiff(this.get(name, from).definition, this.get(name, to).definition);
  }

  rollback(
    name: string,
    version: number,
    actor: Actor,
  ): Promise<WorkflowSummary & { readonly created: boolean }> {
    const { source, sourceType } = this.get(name, version);
    return this.save(source, sourceType, actor);
  }

  remove(name: string, actor: Actor): Promise<void> {
    return this.#inTurn(async () => {
      const entry = this.#entry(name);
      const now = this.#deps.clock.now();
      const data = { name, version: entry.version };
      const event = eventRow('chainbot.workflow.removed', `workflow/${name}`, actorText(actor), data, now);
      await this.#write(new Unit().add(removeWorkflow, { name, now }, 1).event(event));
      this.#entries.set(name, { ...entry, removed: true });
      this.#tell();
    });
  }

  /** What the newest version says of keeping its runs, of a removed workflow too. */
  retentionOf(name: string): RetentionDefinition | undefined {
    return this.#entries.get(name)?.retention;
  }

  /** A version to run: the newest, or the one asked for. @throws TerminalError `workflow.not_found` */
  runnable(name: string, version?: number): RunnableVersion {
    const entry = this.#entry(name);
    if (version === undefined || version === entry.version) return this.byKey(entry.versionKey);
    const row = this.#deps.store.reader.get(versionOf, { workflow: name, version });
    if (!row) throw noVersion(name, version, entry.version);
    return this.byKey(row.key);
  }

  /** The version that a run has pinned, removed workflows too. @throws TerminalError `workflow.invalid` */
  byKey(key: number): RunnableVersion {
    const known = this.#compiled.get(key);
    if (known) return known;
    const row = this.#deps.store.reader.get(versionByKey, { key });
    if (!row) throw new Error(`there is no workflow version ${key}`);
    const definition = JSON.parse(row.definition) as WorkflowDefinition;
    const compiled = compileDefinition(definition, this.#deps.stepTypes, { clock: this.#deps.clock });
    return this.#remember({ key, name: row.workflow, version: row.version, compiled });
  }

  async #storeVersion(one: {
    source: string;
    type: 'yaml' | 'json';
    text: string;
    compiled: CompiledDefinition;
    before: Entry | undefined;
    actor: Actor;
  }): Promise<Entry> {
    const { name } = one.compiled.definition;
    const version = (one.before?.version ?? 0) + 1;
    const key = ++this.#lastKey;
    const id = one.before?.id ?? newId();
    const now = this.#deps.clock.now();
    const actor = actorText(one.actor);
    const event = eventRow('chainbot.workflow.saved', `workflow/${name}`, actor, { name, version }, now);
    const unit = new Unit()
      .add(putWorkflow, { name, id, version, now }, 1)
      .add(insertVersion, {
        key,
        workflow: name,
        version,
        source: one.source,
        source_type: one.type,
        definition: one.text,
        actor,
        now,
      })
      .event(event);
    await this.#write(unit);
    this.#remember({ key, name, version, compiled: one.compiled });
    const createdAt = one.before?.createdAt ?? now;
    const entry = {
      ...summary(id, one.compiled.definition, version, createdAt, now),
      versionKey: key,
      definition: one.text,
      retention: one.compiled.definition.retention,
      removed: false,
    };
    this.#entries.set(name, entry);
    this.#tell();
    return entry;
  }

  /** After an outcome that nobody knows, what is stored may be ahead of what is known here. */
  async #write(unit: Unit): Promise<void> {
    try {
      await this.#deps.store.writer.commit(unit);
    } catch (error) {
      if (error instanceof ChainbotError && STALE.has(error.code)) {
        this.open();
        this.#tell();
      }
      throw error;
    }
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry && !entry.removed) return entry;
    if (!this.#isRead) throw unread();
    const near = didYouMean(
      name,
      this.list().map((one) => one.name),
    );
    throw new TerminalError('not_found', 'workflow.not_found', `there is no workflow "${name}"`, {
      hint: near ?? 'See `chainbot workflows list`.',
    });
  }

  #remember(version: RunnableVersion): RunnableVersion {
    if (this.#compiled.size >= MOST_COMPILED) {
      const oldest = this.#compiled.keys().next().value;
      if (oldest !== undefined) this.#compiled.delete(oldest);
    }
    this.#compiled.set(version.key, version);
    return version;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Refused by what is stored, or perhaps stored. */
const STALE: ReadonlySet<string> = new Set(['store.unknown', 'store.constraint', 'store.guard']);

/** Nobody knows which workflows there are. */
function unread(): RetryableError {
  return new RetryableError('store.degraded', 'the stored workflows could not be read', {
    hint: 'See `chainbot status`: the database needs to be looked at.',
  });
}

function summary(
  id: string,
  definition: WorkflowDefinition,
  version: number,
  createdAt: number,
  updatedAt: number,
): WorkflowSummary {
  const { name, description, triggers } = definition;
  return { id, name, version, description: description ?? null, triggers, createdAt, updatedAt };
}

function publicPart(entry: Entry): WorkflowSummary {
  const { id, name, version, description, triggers, createdAt, updatedAt } = entry;
  return { id, name, version, description, triggers, createdAt, updatedAt };
}

function noVersion(name: string, version: number, newest: number): TerminalError {
  return new TerminalError(
    'not_found',
    'workflow.not_found',
    `workflow "${name}" has no version ${version}`,
    {
      hint: `Its versions are 1 to ${newest}.`,
    },
  );
}
