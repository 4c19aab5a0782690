import type { z } from 'zod';
import { didYouMean } from '#core/near-names.ts';
import { configKeys, expectation } from './keys.ts';

/** A fault before anyone knows where it was written. */
export interface UnplacedFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly hint: string | undefined;
}

/** Turns what zod found into faults in plain words; never repeats a value, for it may be a secret. */
export function issueFaults(issues: readonly z.core.$ZodIssue[]): UnplacedFault[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => unknownKey([...issue.path, name]))
      : [{ path: issue.path, message: plainMessage(issue), hint: mend(issue.path) }],
  );
}

function plainMessage(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? 'is missing'
        : `must be ${WORDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `is too ${issue.origin === 'string' ? 'short' : 'small'}: at least ${issue.minimum}`;
    case 'too_big':
      return `is too ${issue.origin === 'string' ? 'long' : 'large'}: at most ${issue.maximum}`;
    case 'invalid_value':
      return issue.values.length === 1 ? `must be ${String(issue.values[0])}` : 'is not one of its choices';
    case 'invalid_union':
      return unionMessage(issue);
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text (write it in quotes)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a section with keys of its own',
  record: 'a section with keys of its own',
  array: 'a list',
};

function unionMessage(issue: z.core.$ZodIssue): string {
  const key = configKeys().get(issue.path.join('.'));
  return key === undefined ? 'has the wrong kind of value' : `must be ${expectation(key)}`;
}

function mend(path: readonly PropertyKey[]): string | undefined {
  const key = configKeys().get(path.join('.'));
  if (key === undefined || key.kind === 'section') return undefined;
  const fallback = key.secret || key.default === undefined ? '' : ` (default ${JSON.stringify(key.default)})`;
  return key.kind === 'text' ? key.description : `Write ${expectation(key)}${fallback}.`;
}

function unknownKey(path: readonly PropertyKey[]): UnplacedFault {
  const section = path.slice(0, -1).join('.');
  const name = String(path.at(-1));
  const siblings = [...configKeys().values()]
    .filter((key) => key.path.slice(0, -1).join('.') === section)
    .map((key) => key.path.at(-1) as string);
  return { path, message: 'no such key', hint: didYouMean(name, siblings) ?? knownKeys(section, siblings) };
}

function knownKeys(section: string, siblings: readonly string[]): string {
  if (siblings.length === 0) return 'Take it away; docs/configuration.md lists every key.';
  return `Take it away; ${section === '' ? 'the top level' : section} has: ${siblings.join(', ')}.`;
}
