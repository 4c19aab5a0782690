import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import type { HistoryPort, WorkflowGraph } from '#workflows/history-port.ts';
import { type ApiHarness, call, startApi } from '../../../tests/api/api-harness.ts';

const PIECES = ['{"big":"', 'x'.repeat(300_000), '"}'];
const FILE = PIECES.join('');

const graph: WorkflowGraph = {
  ...{ workflow: 'cooling', version: 2, run: { id: 'r1', status: 'running' } },
  nodes: [
    { id: '(start)', type: 'start' },
    { id: 'each', type: 'loop', state: { status: 'running', counts: { running: 1 }, attempts: 1 } },
    {
      ...{ id: 'tell', type: 'api_call', name: 'say "hi" [now]', parent: 'each', part: 'steps' },
      state: { status: 'completed', counts: { completed: 4, failed: 1 }, attempts: 3 },
    },
    { id: 'hot', type: 'condition' },
    { id: '(end)', type: 'end' },
  ],
  edges: [
    { from: '(start)', to: 'each', kind: 'next' },
    { from: 'each', to: 'tell', label: 'each', kind: 'next' },
    { from: 'tell', to: 'each', kind: 'back' },
    { from: 'each', to: 'hot', label: 'a > 1', kind: 'error' },
    { from: 'hot', to: '(end)', kind: 'next' },
  ],
};

let api: ApiHarness;
let asked: unknown[][];
beforeEach(async () => {
  asked = [];
  const past: HistoryPort = {
    logs: () => new Map([['read', [{ at: 0, level: 'warn', message: 'slow', fields: { ms: '9' } }]]]),
    async output(...args) {
      asked.push(args);
      if (args[1] === 'none') throw new TerminalError('not_found', 'step.no_output', 'it has none');
      if (args[1] === undefined) return { text: '[1]' };
      return { sha256: 'ab'.repeat(32), bytes: FILE.length, content: pieces() };
    },
    graph(...args) {
      asked.push(args);
      return { ...graph, run: undefined };
    },
    runGraph: () => graph,
  };
  api = await startApi({ past });
});
afterEach(() => api.close());

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const piece of PIECES) yield Buffer.from(piece);
}

describe('outputs', () => {
  test('in a file are passed on whole, by the path of the step', async () => {
    const answer = await call(api, '/runs/r1/steps/each%2F2%2Ftell/output');
    expect(asked).toEqual([['r1', 'each/2/tell']]);
    expect(answer.headers.get('content-length')).toBe(String(FILE.length));
    expect(answer.headers.get('etag')).toBe(`"${'ab'.repeat(32)}"`);
    expect(await answer.text()).toBe(FILE);
  });

  test('in the journal are answered as they are; none is 404', async () => {
    expect(await (await call(api, '/runs/r1/output')).json()).toEqual([1]);
    expect((await call(api, '/runs/r1/steps/none/output')).status).toBe(404);
  });
});

describe('graphs', () => {
  test('are nodes and edges', async () => {
    expect(await (await call(api, '/runs/r1/graph')).json()).toEqual(graph);
    await call(api, '/workflows/cooling/graph?version=2');
    expect(asked).toEqual([['cooling', 2]]);
  });

  test('or a flowchart of Mermaid, in which no text is markup', async () => {
    const answer = await call(api, '/runs/r1/graph?format=mermaid');
    expect(answer.headers.get('content-type')).toContain('text/vnd.mermaid');
    expect(await answer.text()).toMatchInlineSnapshot(`
      "flowchart TD
        n0((start))
        n1["each<br/>loop"]:::running
        subgraph in_n1["each"]
          n2["say #34;hi#34; #91;now#93;<br/>api_call<br/>completed 4 times<br/>3 tries"]:::completed
        end
        n3{"hot<br/>condition"}
        n4((end))
        n0 --> n1
        n1 -->|"each"| n2
        n2 --> n1
        n1 -.->|"a #62; 1"| n3
        n3 --> n4
        classDef running fill:#cfe8ff,stroke:#1f6fb2,color:#000
        classDef completed fill:#d7f5dc,stroke:#2e7d32,color:#000
      "
    `);
  });

  test('of another format are refused', async () => {
    expect((await call(api, '/runs/r1/graph?format=dot')).status).toBe(400);
  });
});
