import type { ErrorRecord } from './errors.ts';
import { isJsonObject, type Json } from './json.ts';

/** Shorter texts are not looked for: they stand everywhere by chance. */
export const SHORTEST_CONCEALED = 4;
/** The beginning of a secret at a text's end is taken out from this length on: excerpts cut where they must. */
const SHORTEST_PART = 6;
const LONGEST_PART = 512;
const SHORTEST_LINE = 12;
const SHORTEST_CORE = 8;

/**
 * Texts that somebody was given and that must not be seen in what comes of it: takes them out of values, texts
 * and errors, in the forms they usually take on the way (escaped in JSON and URLs, base64 at any alignment).
 */
export class Concealed {
  readonly #shown = new Map<string, string>();
  #forms: readonly string[] = [];

  /** From now on `[secret name]` stands in place of these texts. */
  add(name: string, texts: readonly string[]): void {
    for (const text of texts) {
      for (const form of formsOf(text)) if (!this.#shown.has(form)) this.#shown.set(form, `[secret ${name}]`);
    }
    // Longest first: one form may be a part of another.
    this.#forms = [...this.#shown.keys()].sort((a, b) => b.length - a.length);
  }

  /** The text without them. */
  text(text: string): string {
    let clean = text;
    for (const form of this.#forms) {
      if (clean.includes(form)) clean = clean.replaceAll(form, () => this.#show(form));
    }
    return clean;
  }

  /** The text without them, also where it was cut in the middle of one. */
  excerpt(text: string): string {
    const clean = this.text(text);
    const body = clean.replace(/(…|\.\.\.)$/, '');
    for (const form of this.#forms) {
      for (let part = Math.min(form.length - 1, body.length, LONGEST_PART); part >= SHORTEST_PART; part--) {
        if (body.endsWith(form.slice(0, part))) {
          return body.slice(0, -part) + this.#show(form) + clean.slice(body.length);
        }
      }
    }
    return clean;
  }

  /** The value without them, in keys too; the very same when there is none in it. */
  json(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') {
      const form = String(value);
      return this.#shown.get(form) ?? value;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return this.#list(value);
    return isJsonObject(value) ? this.#object(value) : value;
  }

  error(record: ErrorRecord): ErrorRecord {
    const clean = Object.entries(record).map(([key, value]) => [key, this.#member(value)]);
    return { ...(Object.fromEntries(clean) as ErrorRecord), code: record.code, retryable: record.retryable };
  }

  #member(value: ErrorRecord[string]): ErrorRecord[string] {
    if (typeof value === 'string') return this.excerpt(value);
    return value === undefined ? value : (this.json(value) as ErrorRecord[string]);
  }

  #show(form: string): string {
    return this.#shown.get(form) ?? '[secret]';
  }

  #list(list: readonly Json[]): Json {
    const clean = list.map((element) => this.json(element));
    return clean.every((element, i) => element === list[i]) ? list : clean;
  }

  #object(object: { readonly [key: string]: Json }): Json {
    const entries = Object.entries(object);
    const clean = entries.map(([key, value]) => [this.text(key), this.json(value)] as const);
    const same = clean.every(([key, value], i) => key === entries[i]?.[0] && value === entries[i]?.[1]);
    return same ? object : Object.fromEntries(clean);
  }
}

/** The ways a text is written on its way through requests and answers. */
function formsOf(text: string): Set<string> {
  const plain = [text, text.trim(), ...linesOf(text)];
  const forms = plain.flatMap((one) => [one, ...escapedForms(one), ...base64Forms(one)]);
  return new Set(forms.filter((form) => form.length >= SHORTEST_CONCEALED));
}

/** A text of many lines (a PEM key) may come back line by line, or as one. */
function linesOf(text: string): string[] {
  if (!/[\r\n\t]/.test(text)) return [];
  const lines = text.split(/[\r\n]+/).filter((line) => line.length >= SHORTEST_LINE);
  return [...lines, text.replace(/\s+/g, ' ').trim()];
}

function escapedForms(text: string): string[] {
  const inUrl = encodeURIComponent(text.toWellFormed());
  const inForm = new URLSearchParams([['', text]]).toString().slice(1);
  return [JSON.stringify(text).slice(1, -1), inUrl, inForm, lowerEscapes(inUrl), lowerEscapes(inForm)];
}

function lowerEscapes(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

/**
 * What is always there of a text in base64, whatever stands before and after it: `user:password` is encoded as
 * one. A byte that shares a character with a neighbour is left out.
 */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const cores = [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    const core = encoded.slice(Math.ceil((before * 8) / 6), whole);
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return cores.filter((core) => core.length >= SHORTEST_CORE);
}
