/**
 * The training loop, call by call: text in, one forward-backward pass, one optimizer step, weights saved.
 *
 * Runs on the embedded server; set TINKER_BASE_URL (and TINKER_API_KEY) for another, TINKER_BASE_MODEL for its model.
 */
import { lastValueFrom } from 'rxjs';
import { type Datum, ModelInput, ServiceClient } from 'rxtinker';
import { localService } from 'rxtinker/local';

await using service = process.env.TINKER_BASE_URL ? new ServiceClient() : await localService();

const { supportedModels } = await service.getServerCapabilities().result();
const baseModel = process.env.TINKER_BASE_MODEL ?? supportedModels[0]?.modelName;
if (baseModel === undefined) throw new Error(`${service.baseUrl} offers no model; set TINKER_BASE_MODEL.`);

const training = await service.createLoraTrainingClient({ baseModel, rank: 8 }).result();
training.events$.subscribe(({ type, operation, seqIds }) => {
  if (type === 'sent') console.log(`sent ${operation} with seq_id ${seqIds.join(', ')}`);
});

const prompt = await lastValueFrom(ModelInput.fromText('Fine-tuning sample prompt', { training }));
const datum: Datum = { modelInput: prompt };
const started = performance.now();

const forwardBackward = await training.forwardBackward([datum], 'cross_entropy').result({ timeoutMs: 60_000 });
const optim = await training.optimStep().result({ timeoutMs: 60_000 });
const saved = await training.saveWeightsForSampler().result({ timeoutMs: 60_000 });

console.log('forwardBackward', forwardBackward.metrics);
console.log('optimStep', optim.metrics);
console.log('saved', saved.kind === 'path' ? saved.path : `sampling session ${saved.samplingSessionId}`);
console.log(`the loop took ${(performance.now() - started).toFixed(0)} ms`);
