import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { Made, NodeMaker } from './graph-walk.ts';
import { comparison, translateConditions } from './n8n-conditions.ts';
import { type DataPlaces, translateText, translateValue } from './n8n-expressions.ts';
import { conditionStep, Names, type TranslationNote, workflowName } from './translation.ts';

export interface N8nNode {
  readonly name: string;
  /** Without the package: `httpRequest`. */
  readonly type: string;
  readonly parameters: JsonObject;
  readonly settings: JsonObject;
}

const list = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((one): one is JsonObject => isJsonObject(one as Json)) : [];
const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
const UNITS: Readonly<Record<string, string>> = { seconds: 's', minutes: 'm', hours: 'h', days: 'd' };

/** Makes steps of n8n's nodes. */
export class N8nMaker implements NodeMaker {
  readonly seen = new Set<string>();
  translated = 0;
  readonly #nodes: ReadonlyMap<string, N8nNode>;
  readonly #notes: TranslationNote[];
  #ids = new Names();
  /** What each node gives, as an expression. */
  #places = new Map<string, string>();

  constructor(nodes: ReadonlyMap<string, N8nNode>, notes: TranslationNote[]) {
    this.#nodes = nodes;
    this.#notes = notes;
  }

  /** A new workflow: the triggers give its input. */
  begin(triggers: readonly string[]): void {
    this.#ids = new Names();
    this.#places = new Map(triggers.map((name) => [name, 'input']));
  }

  parallelId(): string {
    return this.#ids.id('side by side', 'parallel');
  }

  cut(name: string, why: string): void {
    this.#notes.push({ node: name, type: this.#nodes.get(name)?.type ?? '', message: why });
  }

  make(name: string, data: string): Made {
    const node = this.#nodes.get(name) as N8nNode;
    const isNew = !this.seen.has(name);
    this.seen.add(name);
    const places: DataPlaces = {
      data,
      of: (other) => this.#places.get(other),
      lost: (text) => this.cut(name, `not translated, it stands there as text: ${text}`),
    };
    const made = this.#kind(node, places);
    if (isNew && made !== undefined) this.translated++;
    const result = made ?? this.#unknown(node);
    this.#places.set(name, result.data);
    return result;
  }

  #kind(node: N8nNode, places: DataPlaces): Made | undefined {
    const { type, parameters } = node;
    switch (type) {
      case 'noOp':
      case 'merge':
        if (type === 'merge')
          this.cut(node.name, 'what comes in stands side by side: steps.<parallel>.output.way_1, …');
        return { kind: 'plain', steps: [], data: places.data };
      case 'httpRequest':
        return this.#plain(node, this.#httpFields(node, places), '.body');
      case 'set':
        return this.#plain(node, { type: 'transform', value: setValue(parameters, places) });
      case 'if':
        return this.#choice(node, translateConditions(parameters, places), places.data);
      case 'filter':
        return this.#filter(node, places);
      case 'switch':
        return this.#switch(node, places);
      case 'wait':
        return this.#wait(node, places);
      case 'splitInBatches':
        return this.#loop(node, places);
      case 'executeWorkflow':
        return this.#child(node, places);
      case 'mqtt':
        return this.#plain(node, mqttFields(parameters, places));
      case 'emailSend':
        return this.#plain(node, emailFields(parameters, places));
      default:
        return undefined;
    }
  }

  #plain(node: N8nNode, fields: JsonObject, more = ''): Made {
    const id = this.#ids.id(node.name, node.type);
    const step = { id, ...named(node, id), ...fields, ...policies(node) } as JsonObject;
    return { kind: 'plain', steps: [step], data: `steps.${id}.output${more}` };
  }

  #unknown(node: N8nNode): Made {
    this.cut(node.name, 'no equal here: a transform that gives null stands in its place');
    return this.#plain(node, { type: 'transform', value: null });
  }

  #httpFields({ name, parameters }: N8nNode, places: DataPlaces): JsonObject {
    const method = String(parameters.method ?? parameters.requestMethod ?? 'GET');
    const options = object(parameters.options);
    if ((parameters.authentication ?? 'none') !== 'none') {
      this.cut(name, 'its credentials do not come along: put them into headers or the vault');
    }
    const query = pairs(parameters.queryParameters ?? parameters.queryParametersUi, places);
    const headers = pairs(parameters.headerParameters ?? parameters.headerParametersUi, places);
    const body = httpBody(parameters, places);
    const timeout = Number(options.timeout ?? 0);
    return {
      type: 'api_call',
      ...(method === 'GET' ? {} : { method }),
      url: translateValue(parameters.url, places),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body === undefined || method === 'GET' ? {} : { body }),
      ...(timeout > 0 ? { timeout: `${timeout}ms` } : {}),
    };
  }

  #choice(node: N8nNode, condition: string, data: string): Made {
    const id = this.#ids.id(node.name, 'choice');
    return {
      kind: 'choice',
      choose: ([yes = [], no = []]) => conditionStep({ id, ...named(node, id) }, condition, yes, no),
      inside: data,
      data: `steps.${id}.output.output`,
    };
  }

  #filter(node: N8nNode, places: DataPlaces): Made {
    return this.#choice(node, translateConditions(node.parameters, places), places.data);
  }

  /** One condition in the else of the one before. */
  #switch(node: N8nNode, places: DataPlaces): Made {
    const { parameters } = node;
    const rules = object(parameters.rules);
    const tests = Array.isArray(rules.values)
      ? list(rules.values).map((rule) => translateConditions(rule, places))
      : list(rules.rules).map((rule) => `{{ ${firstForm(parameters, rule, places)} }}`);
    const ids = tests.map((_, i) => this.#ids.id(i === 0 ? node.name : `${node.name} ${i + 1}`, 'choice'));
    const [first = 'choice'] = ids;
    const outputs = list(rules.rules).map((rule, i) => Number(rule.output ?? i));
    return {
      kind: 'choice',
      choose: (lists) => {
        const fallback = lists[tests.length] ?? [];
        return tests.reduceRight<readonly JsonObject[]>((no, test, i) => {
          const head = { id: ids[i] as string, ...(i === 0 ? named(node, first) : {}) };
          return [conditionStep(head, test, lists[outputs[i] ?? i] ?? [], no)];
        }, fallback)[0] as JsonObject;
      },
      inside: places.data,
      data: `steps.${first}.output.output`,
    };
  }

  #wait(node: N8nNode, places: DataPlaces): Made {
    const { parameters } = node;
    const made = (fields: JsonObject): Made => {
      const plain = this.#plain(node, { type: 'wait', ...fields });
      // What comes in goes on: a wait has nothing to give.
      return { ...plain, data: places.data } as Made;
    };
    if (parameters.resume === 'specificTime')
      return made({ until: translateValue(parameters.dateTime, places) });
    if (parameters.resume === 'webhook' || parameters.resume === 'form') {
      const signal = 'resume';
      this.cut(node.name, `it waits for a signal now: chainbot runs signal RUN ${signal}`);
      return this.#plain(node, { type: 'wait', signal, timeout: '24h', default: null });
    }
    const unit = UNITS[String(parameters.unit ?? 'hours')] ?? 'h';
    return made({ for: `${Number(parameters.amount ?? 1)}${unit}` });
  }

  #loop(node: N8nNode, places: DataPlaces): Made {
    const id = this.#ids.id(node.name, 'each');
    const isNew = Number(node.settings.typeVersion ?? 1) >= 3;
    if (Number(node.parameters.batchSize ?? 1) > 1)
      this.cut(node.name, 'one round for each element, not for each batch');
    this.cut(node.name, `${places.data} must be a list: n8n hands over items one by one`);
    return {
      kind: 'loop',
      body: isNew ? 1 : 0,
      done: isNew ? 0 : 1,
      loop: (steps) =>
        ({
          id,
          ...named(node, id),
          type: 'loop',
          for_each: `{{ ${places.data} }}`,
          max: 10_000,
          steps:
            steps.length === 0 ? [{ id: `${id}_item`, type: 'transform', value: '{{ loop.item }}' }] : steps,
        }) as unknown as JsonObject,
      inside: 'loop.item',
      data: `steps.${id}.output.results`,
    };
  }

  #child(node: N8nNode, places: DataPlaces): Made {
    const { workflowId, workflowInputs } = node.parameters;
    const chosen = object(workflowId);
    const title = String(
      chosen.cachedResultName ?? chosen.value ?? (isJsonObject(workflowId) ? '' : workflowId) ?? '',
    );
    const workflow = workflowName(title);
    this.cut(node.name, `it runs "${workflow}": import that workflow too, or mend its name`);
    const value = object(workflowInputs).value;
    const input = isJsonObject(value) ? translateValue(value, places) : `{{ ${places.data} }}`;
    return this.#plain(node, { type: 'run_workflow', workflow, input }, '.output');
  }
}

const named = ({ name }: N8nNode, id: string): JsonObject => (name === id ? {} : { name });

/** What n8n keeps in a node's settings: tries, errors that do not matter, switched off. */
function policies({ settings }: N8nNode): JsonObject {
  const made: Record<string, Json> = {};
  if (settings.retryOnFail === true) {
    const delay = Number(settings.waitBetweenTries ?? 1000);
    made.retry = {
      max_attempts: Number(settings.maxTries ?? 3),
      delay: `${delay}ms`,
      factor: 1,
      jitter: false,
    };
  }
  const goesOn = settings.continueOnFail === true || /^continue/.test(String(settings.onError ?? ''));
  if (goesOn) made.on_error = 'continue';
  if (settings.disabled === true) made.when = false;
  return made;
}

function pairs(value: Json | undefined, places: DataPlaces): JsonObject | undefined {
  const found = list(object(value).parameters ?? object(value).parameter);
  if (found.length === 0) return undefined;
  return Object.fromEntries(
    found.map((one) => [String(one.name), translateValue(one.value, places)]),
  ) as JsonObject;
}

function httpBody(parameters: JsonObject, places: DataPlaces): Json | undefined {
  const text = parameters.jsonBody ?? parameters.bodyParametersJson;
  if (typeof text === 'string' && text !== '') return jsonText(text, places);
  const body = pairs(parameters.bodyParameters ?? parameters.bodyParametersUi, places);
  if (body !== undefined) return body;
  return typeof parameters.body === 'string' && parameters.body !== ''
    ? translateText(parameters.body, places)
    : undefined;
}

/** JSON that may have expressions in it: as an object where it can be read as one. */
function jsonText(text: string, places: DataPlaces): Json {
  try {
    const read = JSON.parse(text.replace(/^=/, '')) as Json;
    return translateValue(withMarks(read, text.startsWith('=')), places);
  } catch {
    return translateText(text, places);
  }
}

/** In a template of JSON each text may hold expressions. */
function withMarks(value: Json, isTemplate: boolean): Json {
  if (!isTemplate) return value;
  if (typeof value === 'string') return value.includes('{{') ? `=${value}` : value;
  if (Array.isArray(value)) return value.map((one) => withMarks(one as Json, true));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withMarks(one, true)]));
}

function setValue(parameters: JsonObject, places: DataPlaces): Json {
  if (parameters.mode === 'raw' && typeof parameters.jsonOutput === 'string') {
    return jsonText(parameters.jsonOutput, places);
  }
  const assignments = list(object(parameters.assignments).assignments);
  const older = Object.values(object(parameters.values)).flatMap((one) => list(one));
  const fields = list(object(parameters.fields).values);
  const made: Record<string, Json> = {};
  for (const one of [...assignments, ...older, ...fields]) {
    const typed = Object.entries(one).find(([key]) => /Value$/.test(key))?.[1];
    made[String(one.name)] = translateValue(one.value ?? typed, places);
  }
  return made;
}

function firstForm(parameters: JsonObject, rule: JsonObject, places: DataPlaces): string {
  return comparison(
    {
      left: parameters.value1 ?? null,
      right: rule.value2 ?? null,
      operation: String(rule.operation ?? 'equal'),
      kind: String(parameters.dataType ?? 'number'),
    },
    places,
  );
}

function mqttFields(parameters: JsonObject, places: DataPlaces): JsonObject {
  const whole = parameters.sendInputData ?? true;
  const options = object(parameters.options);
  return {
    type: 'publish',
    topic: translateValue(parameters.topic, places),
    payload: whole === true ? `{{ ${places.data} }}` : translateValue(parameters.message, places),
    ...(options.qos === undefined ? {} : { qos: Number(options.qos) }),
    ...(options.retain === true ? { retain: true } : {}),
  };
}

function emailFields(parameters: JsonObject, places: DataPlaces): JsonObject {
  const to = String(parameters.toEmail ?? '')
    .split(',')
    .map((one) => translateText(one.trim(), places));
  const html = parameters.html ?? parameters.message;
  return {
    type: 'email',
    to: to.length === 1 ? (to[0] as string) : to,
    subject: translateValue(parameters.subject, places),
    ...(typeof parameters.text === 'string' ? { text: translateText(parameters.text, places) } : {}),
    ...(typeof html === 'string' && html !== '' ? { html: translateText(html, places) } : {}),
  };
}
