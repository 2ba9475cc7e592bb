/**
 * Streaming metrics: whoever drives a run, others can watch it. Here three consumers follow one run: a log of every
 * value, an alarm when the loss goes up, and a summary at the end. None of them changes what is sent.
 */
import { filter, forkJoin, lastValueFrom, map, merge, min, pairwise, switchMap } from 'rxjs';
import { ModelInput } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { trainSteps } from 'rxtinker/operators';

await using service = await localService();
const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 8, seed: 1 }).result();

/** The loss per token of each pass. */
const losses$ = training.metrics$.pipe(
  filter(({ operation }) => operation === 'forward_backward'),
  map(({ metrics }) => (metrics['loss:sum'] ?? NaN) / (metrics['num_tokens:sum'] ?? NaN)),
);

/** One line of JSON for each value, as collectors of logs want them. */
const lines$ = training.metrics$.pipe(
  map(({ time, ...rest }) => JSON.stringify({ time: new Date(time).toISOString(), ...rest })),
);

const alarms$ = losses$.pipe(
  pairwise(),
  filter(([before, now]) => now > before),
  map(([before, now]) => `! the loss went up from ${before.toFixed(2)} to ${now.toFixed(2)}`),
);

/** Comes when the model is unloaded: that completes its streams. */
const summary$ = losses$.pipe(
  min(),
  map((least) => `least loss per token: ${least.toFixed(2)}`),
);

const watching = merge(lines$, alarms$, summary$).forEach((line) => console.log(line));

/** The run itself knows nothing of them. Its learning rate is too high, so that the alarm has something to say. */
const run$ = forkJoin(tinyPassages().map(({ text }) => ModelInput.fromText(text, { training }))).pipe(
  map((inputs) => Array.from({ length: 8 }, () => inputs.map((modelInput) => ({ modelInput })))),
  switchMap((batches) => trainSteps(training, batches, { loss: 'cross_entropy', adam: { learningRate: 5e-2 } })),
);

await lastValueFrom(run$);
await training.unloadModel().result();
await watching;
