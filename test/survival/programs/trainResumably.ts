/**
 * Trains a run to its end, from where its file of checkpoints says: node trainResumably.js <url> <file> <steps> <every>.
 * Prints `step <n>`, `interrupted <code>` and at last `finished <path>`.
 */
import { lastValueFrom, tap } from 'rxjs';
import { linearDecay } from '../../../operators/index.js';
import { ServiceClient, fileCheckpointLog, resumable } from '../../../src/index.js';
import { batches } from '../../contract/support/data.js';

const [, , baseUrl = '', file = '', steps = '', every = ''] = process.argv;

await using service = new ServiceClient({ baseUrl, logLevel: 'error' });
const run = resumable(service, {
  run: 'survival',
  log: fileCheckpointLog(file),
  model: { baseModel: 'rxtinker/tiny', rank: 4, seed: 3 },
  batches: (startStep) => batches(Number(steps), { from: startStep }),
  checkpointEvery: Number(every),
  loss: 'cross_entropy',
  adam: linearDecay({ from: 1e-2, steps: Number(steps) }),
  depth: 2,
});
await lastValueFrom(
  run.pipe(
    tap((event) => {
      if (event.type === 'step') console.log(`step ${event.step}`);
      if (event.type === 'interrupted') console.log(`interrupted ${event.error.code}`);
      if (event.type === 'finished') console.log(`finished ${event.entry.statePath}`);
    }),
  ),
);
