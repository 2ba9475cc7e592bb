/** The layers of src/, lowest first: a file imports from its own room and from rooms below it. */
const layers = [
  ['errors'],
  ['log'],
  ['wire', 'config', 'tokenizer', 'graph'],
  ['transport', 'losses'],
  ['futures', 'auth', 'download'],
  ['clients'],
  ['training'],
];

/** What each room may import beside itself: other rooms of src/, as path patterns. */
const allowed = new Map([
  ...layers.flatMap((rooms, height) => rooms.map((room) => [room, layers.slice(0, height).flat()])),
  // Text becomes tokens where the model's input is made.
  ['wire/modelInput', ['errors', 'log', 'wire', 'tokenizer']],
  // A service on the marble transport is a client; what trains on it is the user's.
  ['testing', layers.flat().filter((room) => room !== 'training')],
  ['dashboard', layers.flat()],
  ['local/engine', ['errors', 'graph', 'local/models']],
  ['local/server', ['errors', 'wire', 'local/engine', 'local/models']],
  ['local/models', ['errors']],
]);

const inRoom = (room) => `^src/${room}(/|[.]ts$)`;
const operators = '^operators/';

const onlyAllowed = [...allowed].map(([room, others]) => ({
  name: `${room.replace('/', '-')}-imports-downwards`,
  severity: 'error',
  from: {
    path: inRoom(room),
    pathNot: [...allowed.keys()].filter((other) => other.startsWith(`${room}/`)).map(inRoom),
  },
  to: { path: '^(src|operators|examples|test)/', pathNot: [...[room, ...others].map(inRoom), operators] },
}));

module.exports = {
  forbidden: [
    ...onlyAllowed,
    {
      name: 'entry-is-light',
      comment: 'The entry of the package must not pull in the embedded server, the test tools or the command line.',
      severity: 'error',
      from: { path: '^src/index[.]ts$' },
      to: { path: '^src/(local|testing|cli|dashboard)/' },
    },
    {
      name: 'every-room-has-its-place',
      comment: 'A new room of src/ is placed among the layers above.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/index[.]ts$', ...[...allowed.keys(), 'local', 'cli'].map(inRoom)] },
      to: { path: '^(src|operators)/' },
    },
    {
      name: 'only-the-local-entry-knows-both-ends',
      comment: 'Client and embedded server are separate readings of the protocol; localService joins them.',
      severity: 'error',
      from: { path: '^src/local/', pathNot: '^src/local/(index|localService|browser/workerService)[.]ts$' },
      to: { path: '^src/(clients|training|futures|transport)/' },
    },
    {
      name: 'operators-stand-alone',
      severity: 'error',
      from: { path: operators },
      to: { path: '^(src|examples|test)/', pathNot: ['^src/errors[.]ts$', '^src/wire/'] },
    },
    {
      name: 'operators-take-only-types-from-wire',
      severity: 'error',
      from: { path: operators },
      to: { path: '^src/wire/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'A user of the package has only its dependencies and peers.',
      severity: 'error',
      from: { path: '^(src|operators)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
