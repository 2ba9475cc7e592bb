/** Trains one step on the server of its first argument, or on an embedded one, and forgets to close anything. */
import { ServiceClient } from '../../../src/index.js';
import { localService } from '../../../src/local/index.js';
import { texts } from '../support/data.js';

const [, , baseUrl] = process.argv;
const service = baseUrl === undefined ? await localService({ threads: 1 }) : new ServiceClient({ baseUrl });
const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
await training.forwardBackward(texts(1, 8), 'cross_entropy').result();
await training.optimStep().result();
training.metrics$.subscribe();
console.log('done');
