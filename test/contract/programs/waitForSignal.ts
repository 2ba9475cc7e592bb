/**
 * Makes a model on the server of its first argument, says `ready`, and waits. With `own` it listens for SIGTERM itself: it
 * saves, closes and ends; with `using` it closes by `await using` after one step.
 */
import { once } from 'node:events';
import { ServiceClient } from '../../../src/index.js';

const [, , baseUrl = '', way] = process.argv;

async function run(service: ServiceClient): Promise<void> {
  const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
  console.log('ready');
  if (way === 'using') return;
  const waiting = setInterval(() => undefined, 1000);
  if (way !== 'own') return;
  await once(process, 'SIGTERM');
  const { path } = await training.saveState('last').result();
  console.log(`saved ${path}`);
  await service.close('interrupted', 'asked to end');
  clearInterval(waiting);
}

if (way === 'using') {
  await using service = new ServiceClient({ baseUrl });
  await run(service);
} else {
  await run(new ServiceClient({ baseUrl }));
}
