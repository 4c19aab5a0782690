import { TerminalError } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { GraphWalk } from './graph-walk.ts';
import { NodeRedMaker, type RedNode } from './node-red-nodes.ts';
import {
  Names,
  type TranslatedWorkflow,
  type Translation,
  type TranslationNote,
  toYaml,
} from './translation.ts';

const MOST_NODES = 1000;
/** Nodes that hold settings, describe, or only show something. */
const SILENT =
  /^(tab|comment|group|mqtt-broker|tls-config|http proxy|ui_.*|debug|global-config|junction|link in|link out)$/;
const BEGINS = new Set([
  'inject',
  'mqtt in',
  'http in',
  'rpi-gpio in',
  'link in',
  'catch',
  'status',
  'complete',
]);

/**
 * Translates flows that were exported from Node-RED, as far as their nodes have an equal here. Each node that
 * begins something (inject, mqtt in, http in, rpi-gpio in) becomes a workflow.
 * @throws TerminalError `import.invalid`
 */
export function translateNodeRed(file: Json): Translation {
  const all = readFile(file);
  const nodes = new Map([...all].filter(([, { type }]) => !SILENT.test(type)));
  const notes: TranslationNote[] = [];
  const names = new Names();
  const graph = { outputs: (id: string) => outputsOf(id, all, nodes) };
  const maker = new NodeRedMaker(nodes, graph, notes);
  const workflows: TranslatedWorkflow[] = [];
  for (const node of nodes.values()) {
    if (!BEGINS.has(node.type)) continue;
    const made = workflowOf(node, all, graph, maker, notes, names);
    if (made !== undefined) workflows.push(made);
  }
  for (const node of nodes.values()) {
    if (maker.seen.has(node.id) || BEGINS.has(node.type)) continue;
    notes.push({ node: node.name, type: node.type, message: 'nothing leads to it: left out' });
  }
  return { workflows, nodes: nodes.size, translated: maker.translated, notes };
}

function readFile(file: Json): ReadonlyMap<string, RedNode> {
  const list = isJsonObject(file) && Array.isArray(file.flows) ? file.flows : file;
  if (
    !Array.isArray(list) ||
    !list.every((one) => isJsonObject(one as Json) && typeof (one as JsonObject).type === 'string')
  ) {
    throw new TerminalError(
      'invalid',
      'import.invalid',
      'these are no flows of Node-RED: a list of nodes was expected',
      {
        hint: 'In Node-RED: the menu, Export, JSON, Download.',
      },
    );
  }
  const nodes = new Map<string, RedNode>();
  for (const raw of (list as readonly JsonObject[]).slice(0, MOST_NODES)) {
    const type = String(raw.type);
    const label = raw.name ?? raw.label;
    const name = typeof label === 'string' && label !== '' ? label : type;
    if (raw.d === true) continue;
    nodes.set(String(raw.id), { id: String(raw.id), type, name, fields: raw });
  }
  return nodes;
}

/** Wires, past junctions and links, without what is left out. */
function outputsOf(
  id: string,
  all: ReadonlyMap<string, RedNode>,
  kept: ReadonlyMap<string, RedNode>,
): readonly (readonly string[])[] {
  const node = all.get(id);
  const wires = Array.isArray(node?.fields.wires) ? node.fields.wires : [];
  const follow = (to: string, depth: number): readonly string[] => {
    const next = all.get(to);
    if (next === undefined || depth > 20) return [];
    if (next.type === 'junction' || next.type === 'link in') {
      return outputsOf(to, all, kept).flat();
    }
    if (next.type === 'link out') {
      const links = Array.isArray(next.fields.links) ? next.fields.links : [];
      return links.flatMap((link) => follow(String(link), depth + 1));
    }
    return kept.has(to) ? [to] : [];
  };
  return wires.map((output) =>
    Array.isArray(output) ? [...new Set(output.flatMap((to) => follow(String(to), 0)))] : [],
  );
}

function workflowOf(
  node: RedNode,
  all: ReadonlyMap<string, RedNode>,
  graph: { outputs(id: string): readonly (readonly string[])[] },
  maker: NodeRedMaker,
  notes: TranslationNote[],
  names: Names,
): TranslatedWorkflow | undefined {
  const note = (message: string): void => void notes.push({ node: node.name, type: node.type, message });
  const triggers = triggersOf(node, note);
  if (triggers === undefined) {
    note('no equal here: say on_error in the workflow, or a trigger for an event');
    return undefined;
  }
  maker.begin();
  maker.seen.add(node.id);
  maker.translated++;
  const steps = new GraphWalk(graph, maker).from(graph.outputs(node.id).flat(), 'input.payload');
  if (steps.length === 0) {
    note('nothing comes after it that could be translated: left out');
    return undefined;
  }
  const tab = all.get(String(node.fields.z))?.name;
  const title = [tab === 'tab' ? undefined : tab, node.name].filter((part) => part !== undefined).join(' ');
  const name = names.workflow(title, 'flow');
  const definition = {
    name,
    description: `${title}, from Node-RED.`,
    triggers,
    steps,
  } as unknown as JsonObject;
  return { name, source: toYaml(definition, [`Translated from the Node-RED flow "${title}".`]) };
}

function triggersOf(node: RedNode, note: (message: string) => void): JsonObject[] | undefined {
  const { type, fields } = node;
  switch (type) {
    case 'inject':
      return injectTriggers(fields);
    case 'mqtt in': {
      const input = { topic: '{{ trigger.topic }}', payload: '{{ trigger.payload }}' };
      return [{ type: 'mqtt', topic: String(fields.topic ?? ''), input }];
    }
    case 'http in': {
      const name =
        String(fields.url ?? '')
          .replace(/[^a-z0-9]+/gi, '-')
          .replace(/^-+|-+$/g, '')
          .toLowerCase() || 'hook';
      note(
        `give senders a token: chainbot secrets set ${name}-hook. They post to /api/chainbot/hooks/${name}, and get no page back.`,
      );
      return [{ type: 'webhook', name, token: `${name}-hook`, input: { payload: '{{ trigger.payload }}' } }];
    }
    case 'rpi-gpio in': {
      const device = `gpio_${String(fields.pin ?? 'pin')}`;
      note(`declare pin ${String(fields.pin)} as the device ${device} in the configuration`);
      return [{ type: 'device', device, input: { payload: '{{ trigger.value }}' } }];
    }
    default:
      return undefined;
  }
}

function injectTriggers(fields: JsonObject): JsonObject[] {
  const input = { payload: injected(fields) };
  const made: JsonObject[] = [];
  if (fields.crontab !== undefined && fields.crontab !== '') {
    made.push({ type: 'schedule', cron: String(fields.crontab), input });
  } else if (fields.repeat !== undefined && fields.repeat !== '') {
    made.push({ type: 'schedule', every: `${Number(fields.repeat)}s`, input });
  }
  if (fields.once === true) made.push({ type: 'startup', input });
  return made.length === 0 ? [{ type: 'manual' }] : made;
}

function injected({ payload, payloadType, props }: JsonObject): Json {
  const first = Array.isArray(props)
    ? (props as readonly JsonObject[]).find((one) => one.p === 'payload')
    : undefined;
  const text = String(first?.v ?? payload ?? '');
  const type = String(first?.vt ?? payloadType ?? 'date');
  if (type === 'num') return Number(text);
  if (type === 'bool') return text === 'true';
  if (type === 'date') return '{{ now() }}';
  if (type === 'json') {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  }
  return text;
}
