/**
 * The client beside a bare undici loop and the official Python SDK, each in a process of its own against a stub server
 * in another. Prints the medians of interleaved runs; W1 to W6 are measured after a first step, what that costs is W7.
 * Usage: npm run bench:client [-- --only W2,W3] [--runs 5] [--clients rxtinker,bare,python] [--markdown] [--torch]
 *   [--profile folder]   writes a CPU profile of the last run of each client that runs in Node
 */
import assert from 'node:assert/strict';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { ModelInput, validateData } from '../../../src/wire/index.js';
import { forwardBackwardRequestBytes } from '../../../src/wire/proto/forwardBackwardRequestBytes.js';
import { install } from '../../interop/python-sdk/installation.js';
import { bareWriter } from './bareWriter.js';
import { tokensOf } from './measure.js';
import { type Python, runClient } from './runClient.js';
import { StubProcess } from './stubProcess.js';
import type { StubSettings } from './stubSettings.js';
import { type Line, type Run, lineOf, markdown, median } from './table.js';
import { type ClientName, type Work, works } from './works.js';

const SDK_VERSION = '0.38.0';
const defaults: StubSettings = { delayMs: 0, inOrder: false, datums: 1, tokens: 16, sampled: 64, flags: {} };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '5' },
    clients: { type: 'string', default: 'rxtinker,bare,python' },
    markdown: { type: 'boolean', default: false },
    torch: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const only = options.only?.split(',');
const wanted = options.clients.split(',');
const runs = Number(options.runs);

/** Both writers must give the same bytes, or the comparison is none. */
function checkBareBytes(): void {
  const [tokens = new Int32Array()] = tokensOf(1, 300);
  const weights = new Float32Array(300).fill(1);
  const datum = { modelInput: ModelInput.fromTokens(tokens), lossFnInputs: { targetTokens: tokens, weights } };
  const ours = forwardBackwardRequestBytes({
    modelId: 'session:train:0',
    seqId: 200,
    data: validateData([datum, datum], 'cross_entropy'),
    loss: 'cross_entropy',
    lossConfig: {},
    forwardOnly: false,
  });
  const bare = bareWriter(2, 300);
  assert.deepEqual(
    bare(
      [
        { tokens, weights },
        { tokens, weights },
      ],
      200,
    ),
    ours,
  );
  const numbers = { tokens: Array.from(tokens), weights: Array.from(weights) };
  assert.deepEqual(bare([numbers, numbers], 200), ours);
}

async function findPython(): Promise<Python | undefined> {
  if (!wanted.includes('python')) return undefined;
  try {
    const { python, torch } = await install(SDK_VERSION, options.torch);
    if ('missing' in torch && options.torch) console.log(`SKIP  PyTorch: ${torch.missing}`);
    return { interpreter: python, ...('folder' in torch && { path: torch.folder }) };
  } catch (error) {
    console.log(`SKIP  Python SDK ${SDK_VERSION}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function measure(work: Work, python: Python | undefined): Promise<Line> {
  const settings = { ...defaults, ...work.server };
  const clients = (['rxtinker', 'bare', 'python'] as const).filter(
    (client) =>
      wanted.includes(client) &&
      (client !== 'python' || python !== undefined) &&
      (work.clients === undefined || work.clients.includes(client)),
  );
  const results: Record<ClientName, Run[]> = { rxtinker: [], bare: [], python: [] };
  const skipped = new Set<ClientName>();
  console.log(`\n${work.id}  ${work.name}`);
  for (let round = 0; round < (work.runs ?? runs); round += 1) {
    for (const client of clients) {
      if (skipped.has(client)) continue;
      await stub.begin(settings);
      const order = { url: stub.url, task: work.task, flags: settings.flags };
      const report = await runClient(client, order, python, options.profile);
      if ('skipped' in report) {
        skipped.add(client);
        console.log(`  SKIP  ${client}: ${report.skipped}`);
      } else results[client].push({ report, counts: await stub.counts() });
    }
  }
  for (const client of clients) if (!skipped.has(client)) tell(client, results[client]);
  const line = lineOf(work, results);
  const { toBare, toPython, met } = line;
  const ratios = [
    ['bare loop', toBare],
    ['Python SDK', toPython],
  ] as const;
  for (const [other, value = NaN] of ratios) {
    if (!Number.isNaN(value)) console.log(`  to the ${other} ${value.toFixed(2)}`);
  }
  if (met !== undefined) console.log(met ? '  goal reached' : '  goal MISSED');
  return line;
}

function tell(client: ClientName, own: readonly Run[]): void {
  const of = (value: (run: Run) => number): number => median(own.map(value));
  const [cpu, stubCpu] = [of(({ report }) => report.cpuMs), of(({ counts }) => counts.cpuMs)];
  const idle = of(({ counts }) => counts.idle);
  const parts = [
    `  ${client.padEnd(9)} wall ${(of(({ report }) => report.wallMs) / 1000).toFixed(2)} s`,
    `CPU ${(cpu / 1000).toFixed(3)} s (stub ${(stubCpu / 1000).toFixed(3)} s${stubCpu > cpu ? ', MORE THAN THE CLIENT' : ''})`,
    `peak ${of(({ report }) => report.peakMegabytes).toFixed(0)} MB`,
    `${of(({ counts }) => counts.requests)} requests`,
    `${(of(({ counts }) => counts.bytesIn) / 1e6).toFixed(2)} MB sent`,
    `${(of(({ counts }) => counts.bytesOut) / 1e6).toFixed(2)} MB received`,
    ...(Number.isNaN(idle) ? [] : [`server idle ${(100 * idle).toFixed(2)} %`]),
  ];
  console.log(parts.join(', '));
  const memory = own[0]?.report.memory;
  if (memory !== undefined) console.log(`            memory ${memory.map((value) => value.toFixed(0)).join(', ')} MB`);
}

checkBareBytes();
const python = await findPython();
const stub = await StubProcess.start();
const lines: Line[] = [];
for (const work of works) if (only === undefined || only.includes(work.id)) lines.push(await measure(work, python));
stub.stop();

const [cpu] = cpus();
const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
const machine = `${cpus().length} cores (${cpu?.model ?? 'unknown'}), ${gigabytes} GB, ${process.platform}, Node ${process.versions.node}`;
console.log(`\nMedians of ${runs} runs on ${machine}; Python SDK ${SDK_VERSION}.`);
if (options.markdown) console.log(`\n${markdown(lines)}`);
