/**
 * Memory of a client over many operations in one stream, against an embedded server in another process. Prints the heap
 * as the stream goes on, and what is left of operations, buffers, timers and requests at its end; fails where memory
 * grows. Usage: npm run bench:memory [-- <operations>], by default 10000.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Observable, concatMap, defer, finalize, lastValueFrom, merge, mergeMap, range, tap, timer } from 'rxjs';
import { ModelInput, type Operation, ServiceClient, type Transport, undiciTransport } from '../../src/index.js';

const operations = Number(process.argv[2] ?? 10_000);
const every = Math.ceil(operations / 10);
/** Growth from the first report to the last that is noise of the collector, in megabytes. */
const noise = 2;

const { gc } = globalThis;
if (gc === undefined) throw new Error('Expected node --expose-gc, as in npm run bench:memory.');
const collect = async (): Promise<void> => {
  for (let round = 0; round < 3; round += 1) {
    gc();
    // Finalizers run between two turns of the event loop.
    await lastValueFrom(timer(20));
  }
};

const child = spawn(process.execPath, [fileURLToPath(new URL('../../src/cli/main.js', import.meta.url)), 'serve']);
const [line] = (await once(child.stdout, 'data')) as [Buffer];
const baseUrl = line.toString().replace('listening on ', '').trim();

const http = undiciTransport({ baseUrl });
let underWay = 0;
const transport: Transport = {
  send: (request) =>
    defer(() => {
      underWay += 1;
      return http.send(request).pipe(finalize(() => (underWay -= 1)));
    }),
  close: () => http.close(),
};

const service = new ServiceClient({ baseUrl, transport });
const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 2 }).result();

const alive = { operations: 0, buffers: 0 };
const registry = new FinalizationRegistry<keyof typeof alive>((kind) => (alive[kind] -= 1));
function watched<T extends object>(kind: keyof typeof alive, value: T): T {
  alive[kind] += 1;
  registry.register(value, kind);
  return value;
}

function step(index: number): Observable<unknown> {
  const tokens = watched(
    'buffers',
    Int32Array.from({ length: 9 }, (_, at) => (index + 7 * at) % 90),
  );
  const make = <T>(operation: Operation<T>): Operation<T> => watched('operations', operation);
  return merge(
    make(training.forwardBackward([{ modelInput: ModelInput.fromTokens(tokens) }], 'cross_entropy')),
    make(training.optimStep()),
  );
}

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
const megabytes = (bytes: number): number => bytes / 2 ** 20;
const heaps: number[] = [];
let done = 0;

async function report(): Promise<void> {
  await collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  heaps.push(megabytes(heapUsed + arrayBuffers));
  const columns = [
    String(done).padStart(10),
    ...[heapUsed, arrayBuffers, rss].map((bytes) => megabytes(bytes).toFixed(2).padStart(8)),
  ];
  console.log([...columns, String(alive.operations).padStart(6), String(alive.buffers).padStart(6)].join('  '));
}

const timersBefore = timers();
console.log('operations   heap MB   buffers       rss    held operations, batches');
const started = performance.now();
await lastValueFrom(
  range(0, operations / 2).pipe(
    mergeMap((index) => step(index), 2),
    tap(() => (done += 1)),
    concatMap((_, index) => ((index + 1) % every === 0 ? report() : [])),
  ),
);
const seconds = (performance.now() - started) / 1000;
await collect();

const growth = (heaps.at(-1) ?? NaN) - (heaps[0] ?? NaN);
const left = { ...alive, timers: timers() - timersBefore, requests: underWay };
console.log(
  `${done} operations in ${seconds.toFixed(0)} s; memory grew by ${growth.toFixed(2)} MB after the first report.`,
);
console.log(
  `Left: ${Object.entries(left)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')}.`,
);
await service.close();
child.kill();
// The last operations may be held by the stack of the stream that just ended.
if (growth > noise || left.operations > 8 || left.buffers > 8 || left.timers > 2 || left.requests > 0) {
  console.error('Memory is not flat.');
  process.exitCode = 1;
}
