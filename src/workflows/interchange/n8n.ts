import { TerminalError } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { GraphWalk } from './graph-walk.ts';
import { N8nMaker, type N8nNode } from './n8n-nodes.ts';
import { schedulesOf } from './n8n-schedule.ts';
import {
  Names,
  type TranslatedWorkflow,
  type Translation,
  type TranslationNote,
  toYaml,
} from './translation.ts';

/** Nodes that only describe. */
const SILENT = new Set(['stickyNote']);
const MOST_NODES = 500;

/**
 * Translates a workflow that was exported from n8n, as far as its nodes have an equal here. Each trigger that
 * leads elsewhere than the others becomes a workflow of its own.
 * @throws TerminalError `import.invalid`
 */
export function translateN8n(file: Json): Translation {
  const { title, nodes, graph } = readFile(file);
  const notes: TranslationNote[] = [];
  const names = new Names();
  const maker = new N8nMaker(nodes, notes);
  const begins = new Map<string, N8nNode[]>();
  for (const node of nodes.values()) {
    if (!isTrigger(node)) continue;
    const key = JSON.stringify(graph.outputs(node.name));
    begins.set(key, [...(begins.get(key) ?? []), node]);
  }
  if (begins.size === 0) {
    const first = [...nodes.values()].find(({ name }) => !graph.inputs.has(name));
    if (first) begins.set('', []);
  }
  const workflows = [...begins.values()].map((triggers) =>
    workflowOf({ title, triggers, nodes, graph, maker, notes, names }),
  );
  for (const node of nodes.values()) {
    if (!maker.seen.has(node.name) && !isTrigger(node)) {
      notes.push({ node: node.name, type: node.type, message: 'nothing leads to it: left out' });
    }
  }
  return { workflows, nodes: nodes.size, translated: maker.translated, notes };
}

interface N8nGraph {
  outputs(node: string): readonly (readonly string[])[];
  /** Nodes that something leads to. */
  readonly inputs: ReadonlySet<string>;
}

function readFile(file: Json): {
  readonly title: string;
  readonly nodes: ReadonlyMap<string, N8nNode>;
  readonly graph: N8nGraph;
} {
  // A file of `n8n export:workflow --all` is a list; one of the editor is the workflow itself.
  const one = Array.isArray(file) && file.length === 1 ? (file[0] as Json) : file;
  if (!isJsonObject(one) || !Array.isArray(one.nodes) || !isJsonObject(one.connections)) {
    throw new TerminalError(
      'invalid',
      'import.invalid',
      'this is not a workflow of n8n: it has no nodes and connections',
      {
        hint: 'In n8n: the workflow, the menu with three dots, Download.',
      },
    );
  }
  const nodes = new Map<string, N8nNode>();
  for (const raw of one.nodes.slice(0, MOST_NODES)) {
    if (!isJsonObject(raw as Json)) continue;
    const { name, type, parameters, ...rest } = raw as JsonObject;
    const kind = String(type).replace(/^.*\./, '');
    if (SILENT.has(kind)) continue;
    const own = isJsonObject(parameters) ? parameters : {};
    nodes.set(String(name), { name: String(name), type: kind, parameters: own, settings: rest });
  }
  const connections = one.connections;
  const inputs = new Set<string>();
  const outputs = (node: string): readonly (readonly string[])[] => {
    const from = connections[node];
    const main = isJsonObject(from) && Array.isArray(from.main) ? from.main : [];
    return main.map((wires) =>
      (Array.isArray(wires) ? wires : [])
        .map((wire) => (isJsonObject(wire as Json) ? String((wire as JsonObject).node) : ''))
        .filter((name) => nodes.has(name)),
    );
  };
  for (const name of nodes.keys()) for (const to of outputs(name).flat()) inputs.add(to);
  return { title: String(one.name ?? 'n8n workflow'), nodes, graph: { outputs, inputs } };
}

const isTrigger = ({ type }: N8nNode): boolean =>
  /Trigger$/i.test(type) || ['cron', 'interval', 'webhook', 'start'].includes(type);

function workflowOf(given: {
  readonly title: string;
  readonly triggers: readonly N8nNode[];
  readonly nodes: ReadonlyMap<string, N8nNode>;
  readonly graph: N8nGraph;
  readonly maker: N8nMaker;
  readonly notes: TranslationNote[];
  readonly names: Names;
}): TranslatedWorkflow {
  const { title, triggers, nodes, graph, maker, notes, names } = given;
  const name = names.workflow(title, 'n8n-workflow');
  maker.begin(triggers.map((node) => node.name));
  const first =
    triggers[0] === undefined
      ? [...nodes.keys()].filter((node) => !graph.inputs.has(node))
      : graph.outputs(triggers[0].name).flat();
  const steps = new GraphWalk(graph, maker).from(first, 'input');
  const made = triggers.flatMap((node) => triggersOf(node, name, notes));
  maker.translated += triggers.length;
  for (const node of triggers) maker.seen.add(node.name);
  const definition = {
    name,
    description: `${title}, from n8n.`,
    triggers: made.length === 0 ? [{ type: 'manual' }] : made,
    steps: steps.length === 0 ? [{ id: 'nothing', type: 'transform', value: null }] : steps,
  } as unknown as JsonObject;
  return { name, source: toYaml(definition, [`Translated from the n8n workflow "${title}".`]) };
}

function triggersOf(node: N8nNode, name: string, notes: TranslationNote[]): JsonObject[] {
  const { type, parameters } = node;
  const note = (message: string): void => void notes.push({ node: node.name, type, message });
  switch (type) {
    case 'manualTrigger':
    case 'start':
    case 'executeWorkflowTrigger':
      return [{ type: 'manual' }];
    case 'scheduleTrigger':
    case 'cron':
    case 'interval':
      return schedules(node, note);
    case 'mqttTrigger':
      return String(parameters.topics ?? '')
        .split(',')
        .map((topic) => topic.trim().replace(/:\d$/, ''))
        .filter((topic) => topic !== '')
        .map((topic) => ({
          type: 'mqtt',
          topic,
          input: { topic: '{{ trigger.topic }}', message: '{{ trigger.payload }}' },
        }));
    case 'webhook': {
      const token = `${name}-hook`;
      note(`give senders a token: chainbot secrets set ${token}. They post to /api/chainbot/hooks/${name}.`);
      return [{ type: 'webhook', name, token, input: { body: '{{ trigger.payload }}' } }];
    }
    default:
      note('a trigger with no equal here: start it by hand, or by an event');
      return [{ type: 'manual' }];
  }
}

function schedules({ type, parameters }: N8nNode, note: (message: string) => void): JsonObject[] {
  if (type === 'interval') {
    const unit = { seconds: 's', minutes: 'm', hours: 'h' }[String(parameters.unit ?? 'seconds')] ?? 's';
    return [{ type: 'schedule', every: `${Number(parameters.interval ?? 1)}${unit}` }];
  }
  return schedulesOf(parameters).flatMap((cron) => {
    if (cron !== undefined) return [{ type: 'schedule', cron }];
    note('a schedule with no equal here: write its cron line');
    return [];
  });
}
