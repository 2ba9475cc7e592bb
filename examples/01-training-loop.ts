/**
 * The training loop, call by call: text in, one forward-backward pass, one optimizer step, weights saved.
 *
 * Runs on the embedded server; set TINKER_BASE_URL (and TINKER_API_KEY) for another, TINKER_BASE_MODEL for its model.
 */
import { filter, lastValueFrom, mergeMap, toArray } from 'rxjs';
import { type Datum, ModelInput, ServiceClient } from 'rxtinker';
import { localService } from 'rxtinker/local';

await using service = process.env.TINKER_BASE_URL ? new ServiceClient() : await localService();

const { supportedModels } = await service.getServerCapabilities().result();
const baseModel = process.env.TINKER_BASE_MODEL ?? supportedModels[0]?.modelName;
if (baseModel === undefined) throw new Error(`${service.baseUrl} offers no model; set TINKER_BASE_MODEL.`);

const training = await service.createLoraTrainingClient({ baseModel }).result();
const sent$ = training.events$.pipe(filter(({ type }) => type === 'sent'));
const seqIds = lastValueFrom(
  sent$.pipe(
    mergeMap((event) => event.seqIds),
    toArray(),
  ),
);

const prompt = await lastValueFrom(ModelInput.fromText('Fine-tuning sample prompt', { training }));
const datum: Datum = { modelInput: prompt };
const started = performance.now();

const pass = await training.forwardBackward([datum], 'cross_entropy').result({ timeoutMs: 60_000 });
const optim = await training.optimStep().result({ timeoutMs: 60_000 });
const saved = await training.saveWeightsForSampler().result({ timeoutMs: 60_000 });
const elapsed = performance.now() - started;
await training.unloadModel().result();

console.log('forwardBackward', pass.metrics);
console.log('optimStep', optim.metrics);
console.log('saved', saved.kind === 'path' ? saved.path : `for sampling session ${saved.samplingSessionId}`);
console.log('seq_ids', await seqIds);
console.log(`the loop took ${elapsed.toFixed(0)} ms`);
