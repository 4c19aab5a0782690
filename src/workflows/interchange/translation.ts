import { stringify } from 'yaml';
import type { JsonObject } from '#core/json.ts';
import { compileTemplate } from '../expressions/template.ts';

/** Something that a person should look at: what was left out, guessed, or has to be filled in. */
export interface TranslationNote {
  /** The node's name over there. */
  readonly node: string;
  readonly type: string;
  readonly message: string;
}

export interface TranslatedWorkflow {
  readonly name: string;
  /** YAML. */
  readonly source: string;
}

export interface Translation {
  readonly workflows: readonly TranslatedWorkflow[];
  /** Nodes in all, those that only describe or show something not counted. */
  readonly nodes: number;
  /** Nodes that have an equal here. */
  readonly translated: number;
  readonly notes: readonly TranslationNote[];
}

/** Makes ids that expressions can say, each once. */
export class Names {
  readonly #taken = new Set<string>();

  /** `Fetch the weather!` becomes `fetch_the_weather`. */
  id(text: string, fallback: string): string {
    return this.#once(plain(text, '_').replace(/^(\d)/, '_$1'), fallback, '_');
  }

  /** A workflow's name: `fetch-the-weather`. */
  workflow(text: string, fallback: string): string {
    return this.#once(plain(text, '-'), fallback, '-');
  }

  #once(wanted: string, fallback: string, joint: string): string {
    const base = (wanted || fallback).slice(0, 50);
    let name = base;
    for (let n = 2; this.#taken.has(name); n++) name = `${base}${joint}${n}`;
    this.#taken.add(name);
    return name;
  }
}

/** `Fetch the weather!` as a workflow's name, for those that are only named. */
export const workflowName = (text: string): string => plain(text, '-') || 'workflow';

function plain(text: string, joint: string): string {
  const letters = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return letters.replace(/[^a-z0-9]+/g, joint).replace(new RegExp(`^${joint}+|${joint}+$`, 'g'), '');
}

/** Can these braces be read as an expression here? */
export function isReadable(text: string): boolean {
  try {
    compileTemplate(text);
    return true;
  } catch {
    return false;
  }
}

/** Text that stands for itself, braces and all. */
export const literally = (text: string): string => text.replaceAll('{{', '\\{{');

export function toYaml(definition: JsonObject, head: readonly string[]): string {
  const comment = head.map((line) => `# ${line.replace(/[\r\n]+/g, ' ')}\n`).join('');
  return comment + stringify(definition, { lineWidth: 110, aliasDuplicateObjects: false });
}

/** A condition as it is written; without an `else` when there is nothing in it. */
export function conditionStep(
  head: JsonObject,
  test: string,
  yes: readonly JsonObject[],
  no: readonly JsonObject[],
): JsonObject {
  const otherwise = no.length > 0 ? { else: no } : {};
  // biome-ignore lint/suspicious/noThenProperty: the definition's own word; nobody awaits a step.
  return { ...head, type: 'condition', if: test, then: yes, ...otherwise } as JsonObject;
}
