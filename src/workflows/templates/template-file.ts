import { parse } from 'yaml';
import { z } from 'zod';
import { parseDuration } from '#core/duration.ts';
import { type Fault, TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { NAME } from '../definition/shape.ts';
import { trialCaseShape } from '../trial/trial-case.ts';

/** A workflow with blanks: `${limit}` in its text stands for the parameter `limit`. */

const TYPES = ['name', 'device', 'number', 'duration', 'text', 'topic', 'url', 'cron', 'choice'] as const;
export type ParameterType = (typeof TYPES)[number];
type Scalar = string | number;

const parameterShape = z.strictObject({
  type: z.enum(TYPES),
  description: z.string().min(1),
  /** Absent: it must be given. */
  default: z.union([z.string(), z.number()]).optional(),
  unit: z.string().optional(),
  choices: z.array(z.string()).min(1).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

const templateShape = z.strictObject({
  template: z.string().regex(NAME),
  description: z.string().min(1),
  parameters: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,30}$/), parameterShape),
  /** The definition's text, comments and all. */
  workflow: z.string().min(1),
  /** How it behaves; each is run by the tests. */
  tests: z
    .array(
      trialCaseShape.extend({ set: z.record(z.string(), z.union([z.string(), z.number()])).default({}) }),
    )
    .default([]),
});

export type TemplateFile = z.infer<typeof templateShape>;
export type Parameter = z.infer<typeof parameterShape>;

/** @throws Error with what is wrong: a template is ours, and read when somebody asks for it */
export function readTemplate(text: string): TemplateFile {
  const read = templateShape.parse(parse(text));
  const blanks = new Set([...read.workflow.matchAll(BLANK)].map(([, name]) => name as string));
  for (const name of blanks) {
    if (!Object.hasOwn(read.parameters, name)) throw new Error(`\${${name}} has no parameter`);
  }
  for (const name of Object.keys(read.parameters)) {
    if (!blanks.has(name)) throw new Error(`the parameter ${name} stands nowhere in the workflow`);
  }
  return read;
}

const BLANK = /\$\{([a-z][a-z0-9_]*)\}/g;

/**
 * The definition's text with its blanks filled in.
 * @throws TerminalError `template.values_invalid` with every fault
 */
export function renderTemplate(template: TemplateFile, values: Readonly<Record<string, Json>>): string {
  const faults: Fault[] = [];
  const known = Object.keys(template.parameters);
  for (const name of Object.keys(values)) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) ?? `It has ${known.join(', ')}.`;
    faults.push({ path: name, message: `there is no parameter "${name}"`, hint });
  }
  const filled = new Map<string, string>();
  for (const [name, parameter] of Object.entries(template.parameters)) {
    const value = Object.hasOwn(values, name) ? values[name] : parameter.default;
    const fault = value === undefined ? 'is missing' : faultOf(parameter, value as Scalar);
    if (fault !== undefined) {
      faults.push({ path: name, message: `"${name}" ${fault}`, hint: `${name}: ${parameter.description}` });
    } else filled.set(name, String(value));
  }
  const [first] = faults;
  if (first !== undefined) {
    throw new TerminalError('invalid', 'template.values_invalid', first.message, {
      hint: first.hint,
      faults,
    });
  }
  return template.workflow.replaceAll(BLANK, (_, name: string) => filled.get(name) as string);
}

/** Quotes, braces and backslashes would end the text that a blank stands in. */
const PLAIN_TEXT = /^[^"'\\{}$\p{Cc}]{1,500}$/u;

const CHECKS: Readonly<Record<ParameterType, (value: Scalar, parameter: Parameter) => string | undefined>> = {
  name: (value) => (NAME.test(String(value)) ? undefined : 'must be small letters, digits, - and _'),
  device: (value) => (/^[A-Za-z0-9_.-]{1,64}$/.test(String(value)) ? undefined : 'is no id of a device'),
  number: numberFault,
  duration: (value) => {
    try {
      parseDuration(value);
      return undefined;
    } catch {
      return 'must be a duration such as 10s, 5m or 1h30m';
    }
  },
  text: (value) =>
    PLAIN_TEXT.test(String(value)) ? undefined : 'must be text without quotes, braces and \\',
  topic: (value) =>
    /^[^"'\\{}$#+\p{Cc}\s]{1,200}$/u.test(String(value)) ? undefined : 'must be an MQTT topic',
  url: (value) =>
    /^https?:\/\/[^"'\\{}$\s]{1,1000}$/.test(String(value)) && URL.canParse(String(value))
      ? undefined
      : 'must be an address: http://host/path',
  cron: (value) =>
    /^[\d*,/A-Za-z#?-]+( [\d*,/A-Za-z#?-]+){4,5}$/.test(String(value))
      ? undefined
      : 'must be a schedule such as 0 7 * * *',
  choice: (value, { choices = [] }) =>
    choices.includes(String(value)) ? undefined : `must be one of ${choices.join(', ')}`,
};

function numberFault(value: Scalar, { minimum, maximum }: Parameter): string | undefined {
  const number = typeof value === 'number' ? value : Number(value);
  if (String(value).trim() === '' || !Number.isFinite(number)) return 'must be a number';
  if (minimum !== undefined && number < minimum) return `must be at least ${minimum}`;
  if (maximum !== undefined && number > maximum) return `must be at most ${maximum}`;
  return undefined;
}

function faultOf(parameter: Parameter, value: Scalar): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return 'must be text or a number';
  return CHECKS[parameter.type](value, parameter);
}
