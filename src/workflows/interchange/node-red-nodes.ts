import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { FlowGraph, Made, NodeMaker } from './graph-walk.ts';
import { conditionStep, isReadable, literally, Names, type TranslationNote } from './translation.ts';

export interface RedNode {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly fields: JsonObject;
}

const list = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((one): one is JsonObject => isJsonObject(one as Json)) : [];
const UNITS: Readonly<Record<string, string>> = {
  milliseconds: 'ms',
  seconds: 's',
  minutes: 'm',
  hours: 'h',
  days: 'd',
};
const SIGNS: Readonly<Record<string, string>> = {
  eq: '==',
  neq: '!=',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
};

/** Makes steps of Node-RED's nodes. `data` stands for msg.payload. */
export class NodeRedMaker implements NodeMaker {
  readonly seen = new Set<string>();
  translated = 0;
  readonly #nodes: ReadonlyMap<string, RedNode>;
  readonly #graph: FlowGraph;
  readonly #notes: TranslationNote[];
  #ids = new Names();

  constructor(nodes: ReadonlyMap<string, RedNode>, graph: FlowGraph, notes: TranslationNote[]) {
    this.#nodes = nodes;
    this.#graph = graph;
    this.#notes = notes;
  }

  begin(): void {
    this.#ids = new Names();
  }

  parallelId(): string {
    return this.#ids.id('side by side', 'parallel');
  }

  cut(id: string, message: string): void {
    const node = this.#nodes.get(id);
    this.#notes.push({ node: node?.name ?? id, type: node?.type ?? '', message });
  }

  make(id: string, data: string): Made {
    const node = this.#nodes.get(id) as RedNode;
    const made = this.#kind(node, data);
    if (made !== undefined && !this.seen.has(id)) this.translated++;
    this.seen.add(id);
    if (made !== undefined) return made;
    this.cut(id, reasonFor(node.type));
    return this.#plain(node, { type: 'transform', value: null });
  }

  #kind(node: RedNode, data: string): Made | undefined {
    const { type, fields } = node;
    switch (type) {
      case 'change':
        return this.#change(node, data);
      case 'switch':
        return this.#switch(node, data);
      case 'delay':
        return this.#delay(node, data);
      case 'template':
        return this.#plain(node, { type: 'transform', value: this.#mustache(node, data) });
      case 'mqtt out':
        return this.#through(node, data, mqttFields(fields, data));
      case 'http request':
        return this.#plain(node, this.#httpFields(node, data), '.body');
      case 'http response':
        return { kind: 'plain', steps: [], data };
      case 'json':
        return this.#plain(node, {
          type: 'transform',
          value: `{{ type(${data}) == "string" ? json.decode(${data}) : ${data} }}`,
        });
      case 'rpi-gpio out':
        return this.#through(node, data, this.#gpioFields(node, data));
      case 'e-mail':
        return this.#through(node, data, {
          type: 'email',
          to: String(fields.name ?? ''),
          subject: 'Message from a flow',
          text: `{{ string(${data}) }}`,
        });
      default:
        return undefined;
    }
  }

  #plain(node: RedNode, step: JsonObject, more = ''): Made {
    const id = this.#ids.id(node.name, 'step');
    const name = node.name === node.type || node.name === id ? {} : { name: node.name };
    return { kind: 'plain', steps: [{ id, ...name, ...step }], data: `steps.${id}.output${more}` };
  }

  /** The message goes on as it came. */
  #through(node: RedNode, data: string, step: JsonObject): Made {
    return { ...this.#plain(node, step), data } as Made;
  }

  #gpioFields({ id, fields }: RedNode, data: string): JsonObject {
    const device = `gpio_${String(fields.pin ?? 'pin')}`;
    this.cut(id, `declare pin ${String(fields.pin)} as the device ${device} in the configuration`);
    return { type: 'device_write', device, value: `{{ ${data} in [1, true, "1", "true", "on"] }}` };
  }

  #delay(node: RedNode, data: string): Made {
    const { pauseType, timeout, timeoutUnits } = node.fields;
    if ((pauseType ?? 'delay') !== 'delay') {
      this.cut(node.id, 'a limit of messages in time is left out: say `throttle` at the trigger');
      return { kind: 'plain', steps: [], data };
    }
    const unit = UNITS[String(timeoutUnits ?? 'seconds')] ?? 's';
    return this.#through(node, data, { type: 'wait', for: `${Number(timeout ?? 1)}${unit}` });
  }

  #httpFields({ id, fields }: RedNode, data: string): JsonObject {
    const method = String(fields.method ?? 'GET');
    const url = String(fields.url ?? '');
    if (method === 'use' || url === '') this.cut(id, 'method or address come with the message: write them');
    const read = { txt: 'text', bin: 'base64', obj: 'json' }[String(fields.ret ?? 'txt')];
    const plain = method === 'use' ? 'GET' : method;
    return {
      type: 'api_call',
      ...(plain === 'GET' ? {} : { method: plain }),
      url: url === '' ? 'http://127.0.0.1/' : this.#braces(id, url, data),
      ...(['POST', 'PUT', 'PATCH'].includes(plain) ? { body: `{{ ${data} }}` } : {}),
      ...(read === undefined || read === 'text' ? {} : { response: read }),
    };
  }

  #mustache({ id, fields }: RedNode, data: string): Json {
    const text = String(fields.template ?? '');
    if (fields.syntax !== 'plain' && /\{\{[#^/]/.test(text))
      this.cut(id, 'sections ({{#…}}) are not translated');
    return fields.syntax === 'plain' ? literally(text) : this.#braces(id, text, data);
  }

  /** Mustache's `{{payload.x}}` and `{{{payload.x}}}`. */
  #braces(id: string, text: string, data: string): string {
    return text.replace(/\{\{\{?\s*([^}]*?)\s*\}?\}\}/g, (whole, inside: string) => {
      const ours = `{{ ${inside.replace(/^payload\b/, data)} }}`;
      if (/^payload\b/.test(inside) && isReadable(ours)) return ours;
      this.cut(id, `not translated, it stands there as text: ${whole}`);
      return literally(whole);
    });
  }

  #change(node: RedNode, data: string): Made | undefined {
    const rules = list(node.fields.rules);
    let value: Json = `{{ ${data} }}`;
    for (const rule of rules) {
      if (rule.t !== 'set' || rule.p !== 'payload' || (rule.pt ?? 'msg') !== 'msg') {
        this.cut(node.id, `the rule ${String(rule.t)} ${String(rule.p)} is not translated`);
        continue;
      }
      const set = typedValue(rule.to, rule.tot, data);
      if (set === undefined) this.cut(node.id, `a value of kind ${String(rule.tot)} is not translated`);
      else value = set;
    }
    return this.#plain(node, { type: 'transform', value });
  }

  /** One condition in the else of the one before; with `checkall` each stands by itself over there. */
  #switch(node: RedNode, data: string): Made | undefined {
    const { property, propertyType, rules, checkall } = node.fields;
    if ((propertyType ?? 'msg') !== 'msg' || !/^payload\b/.test(String(property ?? 'payload')))
      return undefined;
    const value = String(property ?? 'payload').replace(/^payload/, data);
    const found = list(rules);
    const outputs = this.#graph.outputs(node.id);
    if (String(checkall ?? 'true') === 'true' && found.length > 1) {
      this.cut(node.id, 'the first rule that fits decides; over there all that fit were taken');
    }
    const tests = found.map((rule) => this.#test(node, rule, value, data));
    const ids = found.map((_, i) => this.#ids.id(i === 0 ? node.name : `${node.name} ${i + 1}`, 'choice'));
    const [first] = ids;
    if (first === undefined || outputs.length === 0) return undefined;
    return {
      kind: 'choice',
      choose: (lists) =>
        tests.reduceRight<readonly JsonObject[]>(
          (no, test, i) =>
            test === ALWAYS && i > 0
              ? (lists[i] ?? [])
              : [conditionStep({ id: ids[i] as string }, test, lists[i] ?? [], no)],
          [],
        )[0] as JsonObject,
      inside: data,
      data: `steps.${first}.output.output`,
    };
  }

  #test(node: RedNode, rule: JsonObject, value: string, data: string): string {
    const type = String(rule.t);
    const other = literal(rule.v, rule.vt, data);
    const sign = SIGNS[type];
    if (sign !== undefined) return `{{ ${value} ${sign} ${other} }}`;
    if (type === 'btwn')
      return `{{ ${value} >= ${other} && ${value} <= ${literal(rule.v2, rule.v2t, data)} }}`;
    if (type === 'cont') return `{{ ${value}.contains(${other}) }}`;
    if (type === 'regex') return `{{ ${value}.matches(${other}) }}`;
    if (type === 'true' || type === 'false') return `{{ ${value} == ${type} }}`;
    if (type === 'null') return `{{ default(${value}, null) == null }}`;
    if (type === 'nnull') return `{{ default(${value}, null) != null }}`;
    if (type === 'else') return ALWAYS;
    this.cut(node.id, `the rule ${type} is not translated: it never fits`);
    return '{{ false }}';
  }
}

const ALWAYS = '{{ true }}';

function reasonFor(type: string): string {
  if (type === 'function') {
    return 'JavaScript is not translated: a transform that gives null stands in its place. Write it in expressions.';
  }
  return 'no equal here: a transform that gives null stands in its place';
}

function mqttFields(fields: JsonObject, data: string): JsonObject {
  return {
    type: 'publish',
    topic: String(fields.topic ?? ''),
    payload: `{{ ${data} }}`,
    ...(fields.qos === undefined || fields.qos === '' ? {} : { qos: Number(fields.qos) }),
    ...(String(fields.retain) === 'true' ? { retain: true } : {}),
  };
}

/** A typed value of an editor's field; undefined for kinds that have no equal. */
function typedValue(value: Json | undefined, type: Json | undefined, data: string): Json | undefined {
  const text = String(value ?? '');
  switch (type ?? 'str') {
    case 'str':
      return literally(text);
    case 'num':
      return Number(text);
    case 'bool':
      return text === 'true';
    case 'date':
      return '{{ now() }}';
    case 'msg':
      return /^payload\b/.test(text) ? `{{ ${text.replace(/^payload/, data)} }}` : undefined;
    case 'json':
      try {
        return JSON.parse(text) as Json;
      } catch {
        return undefined;
      }
    default:
      return undefined;
  }
}

/** The same, as a bare expression. Texts that are numbers count as numbers, as over there. */
function literal(value: Json | undefined, type: Json | undefined, data: string): string {
  const text = String(value ?? '');
  if (type === 'msg' && /^payload\b/.test(text)) return text.replace(/^payload/, data);
  if (type === 'num' || ((type ?? 'str') === 'str' && text !== '' && Number.isFinite(Number(text)))) {
    return String(Number(text));
  }
  return type === 'bool' ? text : JSON.stringify(text);
}
