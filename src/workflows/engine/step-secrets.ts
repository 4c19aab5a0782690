import { Concealed } from '#core/concealed.ts';
import type { ErrorRecord } from '#core/errors.ts';
import { errorRecord } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { Concealer, SecretsPort } from '#vault/port.ts';
import type { TaskStep } from '../definition/compiled.ts';
import { REVEAL, type Scope } from '../expressions/scope.ts';

/**
 * Secrets in the fields of a step.
 *
 * S1  `secret('name')` becomes a text when an attempt begins, and for that attempt only: what the journal, a trace
 *     or a trial sees of the fields has `[secret name]` in its place.
 * S2  Whatever text a step was given is taken out of its output, its errors and its log lines before anyone
 *     else sees them.
 */
export type RevealSecret = Pick<SecretsPort, 'get'>;

/** `yes` and `no` are made of a secret too, by comparing it. */
const SHORTEST_MADE = 6;

/** No vault: a trial, where nothing leaves the house. */
const placeholders: RevealSecret = { get: (name) => shown(name) };

const shown = (name: string): string => `[secret ${name}]`;

export function usesSecrets(step: TaskStep): boolean {
  return step.fields.references.secrets.size > 0;
}

/** The fields as they may be shown (S1). @throws TerminalError `expression.failed` */
export function shownFields(step: TaskStep, scope: Scope): JsonObject {
  if (!usesSecrets(step)) return step.fields.evaluate(scope) as JsonObject;
  try {
    return step.fields.evaluate(revealing(scope, shown)) as JsonObject;
  } catch {
    return step.written; // `json.decode(secret('x'))` has no shown form; a true fault shows in the attempt
  }
}

/**
 * The fields with the secrets in them, for this very attempt. Texts that an expression made of a secret (a part of
 * it, its digest) are kept from being seen like the secret itself; `shown` tells which these are.
 * @throws TerminalError `expression.failed`, and what the vault throws
 */
export function revealedFields(
  step: TaskStep,
  scope: Scope,
  shown: JsonObject,
  {
    secrets = placeholders,
    kept,
  }: { readonly secrets?: RevealSecret | undefined; readonly kept: StepSecrets },
): JsonObject {
  const fields = step.fields.evaluate(revealing(scope, (name) => secrets.get(name, kept))) as JsonObject;
  const { concealed } = kept;
  if (!concealed) return fields; // placeholders
  const made = [...madeTexts(shown, fields)].filter((text) => concealed.text(text) === text);
  if (made.length > 0) kept.conceal([...step.fields.references.secrets].join(', '), made);
  return fields;
}

/** Texts that are others than what may be shown. */
function* madeTexts(shown: Json | undefined, value: Json): Generator<string> {
  if (typeof value === 'string') {
    if (value !== shown && value.length >= SHORTEST_MADE) yield value;
  } else if (Array.isArray(value)) {
    for (const [i, element] of value.entries())
      yield* madeTexts(Array.isArray(shown) ? shown[i] : undefined, element);
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value))
      yield* madeTexts(isJsonObject(shown) ? shown[key] : undefined, member);
  }
}

function revealing(scope: Scope, reveal: (name: string) => string): Scope {
  return Object.assign(Object.create(scope) as Scope, { [REVEAL]: reveal });
}

/** What one step was given and nobody may see (S2). */
export class StepSecrets implements Concealer {
  #concealed: Concealed | undefined;

  conceal(name: string, texts: readonly string[]): void {
    this.#concealed ??= new Concealed();
    this.#concealed.add(name, texts);
  }

  /** Undefined while there is nothing to take out. */
  get concealed(): Concealed | undefined {
    return this.#concealed;
  }

  record(error: unknown): ErrorRecord {
    const record = errorRecord(error);
    return this.#concealed?.error(record) ?? record;
  }

  /** A step's log: what it learns later is taken out of its lines too. */
  log(log: Log): Log {
    const write =
      (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
      (fields: object, message: string): void =>
        log[level](this.#fields(fields), this.#concealed?.excerpt(message) ?? message);
    return {
      trace: write('trace'),
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => this.log(log.child(this.#fields(fields))),
    };
  }

  #fields(fields: object): object {
    const concealed = this.#concealed;
    if (!concealed) return fields;
    const plain = Object.entries(fields).map(([key, value]) => {
      const json = value instanceof Error ? plainError(value) : value;
      return [key, concealed.json(JSON.parse(JSON.stringify(json) ?? 'null'))] as const;
    });
    return Object.fromEntries(plain);
  }
}

function plainError(error: Error): object {
  const { cause } = error;
  return {
    ...errorRecord(error),
    type: error.name,
    stack: error.stack,
    ...(cause instanceof Error && { cause: errorRecord(cause) }),
  };
}
