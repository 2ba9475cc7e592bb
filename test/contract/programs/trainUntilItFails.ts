/** Trains on the server of its first argument until that fails, says how, and ends by itself: nothing is closed. */
import { defer, forkJoin, lastValueFrom, repeat, tap } from 'rxjs';
import { ServiceClient, TinkerError, silentLogger } from '../../../src/index.js';
import { texts } from '../support/data.js';

const DEADLINE = 3000;

const service = new ServiceClient({
  baseUrl: process.argv[2] ?? '',
  log: silentLogger,
  heartbeatIntervalMs: 200,
  sendDeadlineMs: DEADLINE,
  silenceDeadlineMs: DEADLINE,
});
const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
let lastStep = performance.now();
const step = defer(() => forkJoin([training.forwardBackward(texts(2, 16), 'cross_entropy'), training.optimStep()]));
try {
  await lastValueFrom(
    step.pipe(
      repeat(),
      tap(() => {
        lastStep = performance.now();
        console.log('step');
      }),
    ),
  );
} catch (error) {
  const { code, message } = error instanceof TinkerError ? error : { code: 'none', message: String(error) };
  console.log(JSON.stringify({ code, message, afterMs: performance.now() - lastStep }));
}
