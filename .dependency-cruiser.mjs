// The import laws of docs/ARCHITECTURE.md. Each has a name and a reason; tests/import-laws.test.ts plants
// violations and expects them to be caught.
const DOMAIN = 'workflows|agents|entanglements|hardware|llm|identity|vault|outbound';

/** A room may import only these other rooms (and itself). */
const room = (name, allowed, comment) => ({
  name: `room-${name}`,
  comment,
  severity: 'error',
  from: { path: `^src/${name}/`, pathNot: '\\.test\\.ts$' },
  to: {
    path: '^src/',
    pathNot: [`^src/${name}/`, ...allowed.map((other) => `^src/${other}/`)],
  },
});

/** A domain room may import core, store and bus; a sibling only as a type, and only its port.ts. */
const domain = (name) => [
  {
    name: `room-${name}`,
    comment: 'A domain room stands on core, store and bus; compose.ts hands it everything else.',
    severity: 'error',
    from: { path: `^src/${name}/`, pathNot: '\\.test\\.ts$' },
    to: {
      path: '^src/',
      pathNot: [`^src/${name}/`, '^src/(core|store|bus)/', `^src/(${DOMAIN}|mqtt)/[a-z-]*port\\.ts$`],
    },
  },
];

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle means that neither file can be understood, tested or replaced alone.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that does not resolve fails on the Pi, at night.',
      severity: 'error',
      from: {},
      to: {
        couldNotResolve: true,
        pathNot: ['^(onoff|i2c-bus|serialport|node-llama-cpp|koffi)$'],
      },
    },
    {
      name: 'sibling-only-as-type',
      comment:
        'A room names a sibling only as `import type` from its port.ts: the real one is injected by compose.ts.',
      severity: 'error',
      from: { path: `^src/(${DOMAIN}|mqtt|module)/`, pathNot: '\\.test\\.ts$' },
      to: {
        path: `^src/(${DOMAIN}|mqtt)/[a-z-]*port\\.ts$`,
        pathNot: '^src/$1/',
        dependencyTypesNot: ['type-only'],
      },
    },
    room('core', [], 'core is pure: everything stands on it, it stands on nothing.'),
    room('logging', ['core'], "logging turns core's Log port into pino; it knows no domain."),
    room('config', ['core'], 'config is read, derived and frozen before anything else exists.'),
    room('store', ['core'], 'The store knows rows and units of work, not what they mean.'),
    room('bus', ['core', 'store'], 'The bus stands on the log in the store.'),
    ...DOMAIN.split('|').flatMap(domain),
    room('module', ['core', 'store', 'bus'], "The module room scores parts through core's Part port."),
    {
      name: 'room-mqtt',
      comment: 'mqtt carries the log out and messages in; it sees domains only through their ports.',
      severity: 'error',
      from: { path: '^src/mqtt/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/',
        pathNot: ['^src/mqtt/', '^src/(core|bus)/', `^src/(${DOMAIN})/[a-z-]*port\\.ts$`],
      },
    },
    {
      name: 'api-never-store',
      comment: 'Transports call domain verbs; a route that reads a table grows its own rules.',
      severity: 'error',
      from: { path: '^src/api/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/(store|cli|panel|config|mqtt|logging)/|^src/(main|compose)\\.ts$',
      },
    },
    {
      name: 'cli-over-the-socket',
      comment: 'The CLI talks to the daemon like everybody else, and never opens the database.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/',
        pathNot: ['^src/(cli|core)/', '^src/api/(client|contract)'],
      },
    },
    {
      name: 'compose-only-from-main',
      comment: 'compose.ts is the only place that builds parts; nothing in a room may reach it.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(compose|main)\\.ts$' },
    },
    {
      name: 'sqlite-in-store',
      comment: 'One room opens databases, so that one room keeps the promise of durability.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/store/', '\\.test\\.ts$'] },
      to: {
        path: '(^|/)better-sqlite3(/|$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'kysely-in-store',
      comment:
        "Queries are written where the tables are or in a room's own *-table.ts; kysely itself is imported only there.",
      severity: 'error',
      from: { path: '^src/(api|cli|core|config|panel|mqtt|module)/' },
      to: { path: '(^|/)kysely(/|$)' },
    },
    {
      name: 'hardware-packages-in-hardware',
      comment: 'Pins, buses and ports are reached through hardware/ only, where safe states live.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/hardware/' },
      to: { path: '(^|/)(onoff|i2c-bus|serialport|koffi)(/|$)' },
    },
    {
      name: 'llama-in-llm',
      comment: 'The model runtime can crash its process: llm/ keeps it in a child.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/llm/' },
      to: { path: '(^|/)node-llama-cpp(/|$)' },
    },
    {
      name: 'pino-in-logging',
      comment: "Rooms log through core's Log port, so that redaction is in one place.",
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/logging/' },
      to: { path: '(^|/)pino(-pretty)?(/|$)' },
    },
    {
      name: 'mqtt-in-mqtt',
      comment: 'Brokers are reached through mqtt/ only.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/mqtt/', '\\.test\\.ts$'] },
      to: { path: '(^|/)(mqtt|aedes)(/|$)', pathNot: '^src/' },
    },
    {
      name: 'tests-are-leaves',
      comment: "Product code never imports a test or a test's tools.",
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '(\\.test\\.ts$|^tests/|(^|/)vitest(/|$)|(^|/)fast-check(/|$))',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
    moduleSystems: ['es6'],
  },
};
