import type { GraphEdge, GraphNode, WorkflowGraph } from '#workflows/history-port.ts';

/**
 * A graph as a flowchart of Mermaid (https://mermaid.js.org/syntax/flowchart.html), which GitHub, GitLab and many
 * editors draw. What lies in a step is a box with its name; the states of a run are colours.
 */
export function mermaid(graph: WorkflowGraph): string {
  const names = new Map(graph.nodes.map(({ id }, index) => [id, `n${index}`]));
  const below = Map.groupBy(graph.nodes, ({ parent }) => parent);
  const lines = ['flowchart TD', ...boxLines(undefined, below, names, '  ')];
  for (const edge of graph.edges) lines.push(`  ${edgeLine(edge, names)}`);
  const used = new Set(graph.nodes.flatMap(({ state }) => state?.status ?? []));
  for (const status of used) lines.push(`  classDef ${status} ${COLOURS[status]}`);
  return `${lines.join('\n')}\n`;
}

const COLOURS = {
  running: 'fill:#cfe8ff,stroke:#1f6fb2,color:#000',
  waiting: 'fill:#fff3c4,stroke:#b58900,color:#000',
  completed: 'fill:#d7f5dc,stroke:#2e7d32,color:#000',
  failed: 'fill:#ffd9d6,stroke:#c62828,color:#000',
  skipped: 'fill:#eeeeee,stroke:#9e9e9e,color:#000',
  cancelled: 'fill:#e0e0e0,stroke:#616161,color:#000',
} as const;

function boxLines(
  parent: string | undefined,
  below: ReadonlyMap<string | undefined, readonly GraphNode[]>,
  names: ReadonlyMap<string, string>,
  indent: string,
): string[] {
  return (below.get(parent) ?? []).flatMap((node) => {
    const line = `${indent}${names.get(node.id)}${shape(node)}`;
    if (!below.has(node.id)) return [line];
    const inside = boxLines(node.id, below, names, `${indent}  `);
    return [
      line,
      `${indent}subgraph in_${names.get(node.id)}["${escaped(node.id)}"]`,
      ...inside,
      `${indent}end`,
    ];
  });
}

function shape({ id, type, name, state }: GraphNode): string {
  if (type === 'start' || type === 'end') return `((${type}))`;
  const counts = Object.entries(state?.counts ?? {}).filter(([, count]) => count > 1);
  const notes = [
    ...counts.map(([status, count]) => `${status} ${count} times`),
    ...(state && state.attempts > 1 ? [`${state.attempts} tries`] : []),
  ];
  const text = [name ?? id, type, ...notes].map(escaped).join('<br/>');
  const [open, close] = type === 'condition' || type === 'switch' ? ['{', '}'] : ['[', ']'];
  return `${open}"${text}"${close}${state ? `:::${state.status}` : ''}`;
}

function edgeLine({ from, to, label, kind }: GraphEdge, names: ReadonlyMap<string, string>): string {
  const arrow = kind === 'error' || kind === 'undo' ? '-.->' : '-->';
  const text = label === undefined ? '' : `|"${escaped(label)}"|`;
  return `${names.get(from)} ${arrow}${text} ${names.get(to)}`;
}

/** Entity codes for what Mermaid or HTML would read as its own. */
function escaped(text: string): string {
  return text
    .replace(/[#"<>&`\\[\]{}|]/g, (character) => `#${character.codePointAt(0)};`)
    .replace(/\s+/g, ' ');
}
