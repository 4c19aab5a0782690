import { stringify } from 'yaml';
import { z } from 'zod';
import { ENV_PREFIX, envSuffix, isSettable } from '#config/env-names.ts';
import { type ConfigKey, configKeys, expectation } from '#config/keys.ts';
import { configSchema } from '#config/schema.ts';

const WIDTH = 100;

/** config/schema.json: for editors (`# yaml-language-server: $schema=…`) and for other programs. */
export function jsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  const title = 'Configuration of ChainBot';
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}

/** config/default.yaml: every key with its comment and its default. */
export function defaultConfig(): string {
  const intro = [
    'ChainBot: every key with its default. Made from src/config/schema.ts by scripts/generate.ts.',
    'Changing this file changes nothing: copy what you want to change to',
    '/etc/alex_os/modules/chainbot/config.yaml, or give a file of your own with --config FILE.',
    `Environment variables beat both: ${ENV_PREFIX}PORT=8080, ${ENV_PREFIX}MQTT__BASE_TOPIC=shed.`,
    'Relative paths in a file are relative to that file.',
  ];
  const keys = [...configKeys().values()].map(yamlOf);
  return `${intro.map((line) => `# ${line}`).join('\n')}\n${keys.join('')}`;
}

function yamlOf(key: ConfigKey): string {
  const indent = '  '.repeat(key.path.length - 1);
  const gap = key.path.length === 1 ? '\n' : '';
  const name = key.path.at(-1) as string;
  const meaning = key.kind === 'section' ? key.description : `${key.description} ${rangeOf(key)}`.trim();
  const comment = wrap(meaning, WIDTH - indent.length - 2).map((line) => `${indent}# ${line}\n`);
  const value = key.kind === 'section' ? '' : ` ${inlineYaml(key.default)}`;
  return `${gap}${comment.join('')}${indent}${name}:${value}\n`;
}

/** What may be written, where the default does not already show it. */
function rangeOf(key: ConfigKey): string {
  if (key.kind === 'choice') return `(${key.options.join(', ')})`;
  if (key.kind === 'number') return `(${key.minimum} to ${key.maximum})`;
  return '';
}

function inlineYaml(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim();
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** docs/configuration.md */
export function configurationPage(): string {
  const sections = [...configKeys().values()].filter((key) => key.kind === 'section');
  const parts = sections.map((section) => {
    const dotted = section.path.join('.');
    return `## ${dotted}\n\n${section.description}\n\n${table(section.path)}`;
  });
  return `${PAGE_INTRO}\n${table([])}\n${parts.join('\n')}\n${DEVICES}`;
}

function table(section: readonly string[]): string {
  const prefix = section.join('.');
  const rows = [...configKeys().values()]
    .filter((key) => key.kind !== 'section' && key.path.slice(0, -1).join('.') === prefix)
    .map(row);
  return `| key | default | meaning | environment |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function row(key: ConfigKey): string {
  const meaning = `${key.description} ${capital(expectation(key))}.`.replaceAll('|', '\\|');
  const variable = isSettable(key) ? `\`${ENV_PREFIX}${envSuffix(key)}\`` : '';
  return `| \`${key.path.join('.')}\` | \`${inlineYaml(key.default)}\` | ${meaning} | ${variable} |`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const PAGE_INTRO = `# Configuration

Made from \`src/config/schema.ts\` by \`node scripts/generate.ts\`; do not edit.

What counts, the later over the earlier:

1. the defaults, shown in \`config/default.yaml\`;
2. one file: \`--config FILE\`, or else \`/etc/alex_os/modules/chainbot/config.yaml\` if it is there;
3. environment variables: \`${ENV_PREFIX}\` and the key in capitals, with \`__\` between section and key
   (\`${ENV_PREFIX}MQTT__BASE_TOPIC\`), and the short names in the tables. Lists are split at commas. An empty
   variable counts as not set.

Relative paths are relative to the file they stand in, or to the working directory when they come from a
variable. Durations are a number and a unit (\`250ms\`, \`10s\`, \`5m\`, \`1h30m\`, \`2d\`); a bare number means seconds.

The configuration is read once, at the start, and checked whole. When something is wrong the daemon does not
start, says every fault with its file, line, key and mend, and exits with 78; systemd then does not try again.
Unknown keys and variables are faults too. A secret (\`secret_key\`, \`mqtt.password\`) in a file that every user
may read is refused, and no secret is ever printed.

\`config/schema.json\` is the same as a JSON Schema: an editor with the YAML language server checks and completes
with \`# yaml-language-server: $schema=<path to schema.json>\` in the first line.
`;

const DEVICES = `## A device

\`\`\`yaml
devices:
  greenhouse_temp:            # the id: lower-case letters, digits, _
    name: Greenhouse temperature
    driver: simulator
    kind: sensor              # sensor, binary_sensor, switch or button
    unit: Cel                 # UCUM
    area: greenhouse
    min: -40                  # readings beyond are faults
    max: 85
    simulate: {quantity: temperature, initial: 22}
  greenhouse_fan:
    name: Greenhouse fan
    driver: simulator
    kind: switch
    safe: false               # where it goes when nobody minds it
    simulate: {quantity: fan}
\`\`\`

\`config/greenhouse.yaml\` is a whole example.
`;
