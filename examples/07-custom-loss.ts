/**
 * A custom loss, written in each of the four ways, which all train alike: the focal loss −(1 − eᵖ)²·p, with p the
 * logprob of each target token, which weighs down what the model already knows.
 */
import { concatMap, forkJoin, from, lastValueFrom, map, switchMap, tap, toArray } from 'rxjs';
import * as rxtinker from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { trainSteps } from 'rxtinker/operators';

const focal = (p: rxtinker.Expression): rxtinker.Expression => p.exp().sub(1).pow(2).mul(p).neg().sum();

const losses: Record<string, rxtinker.CustomLoss> = {
  // An expression for one datum; the batch's loss is their sum.
  'per datum': ({ logprobs }) => focal(logprobs),

  // An expression for the whole batch, with a metric: for pairs, groups and means over data.
  'per batch': rxtinker.batchLoss((_, logprobs) => {
    const all = rxtinker.Expression.concat(logprobs);
    return { loss: focal(all), metrics: { 'probability:mean': all.exp().mean() } };
  }),

  // The same in TensorFlow.js, an optional package that is loaded at the first use.
  tfjs: rxtinker.tfjsLoss((_, logprobs, tf) => {
    const all = tf.concat([...logprobs]);
    return all.exp().sub(1).square().mul(all).neg().sum();
  }),

  // The loss with its derivatives, 2p·eᵖ·(1 − eᵖ) − (1 − eᵖ)², from anywhere: here by hand.
  gradients: rxtinker.gradientLoss((_, logprobs) => ({
    loss: logprobs.flatMap((tensor) => tensor.toArray()).reduce((sum, p) => sum - (1 - Math.exp(p)) ** 2 * p, 0),
    gradients: logprobs.map((tensor) =>
      tensor.toArray().map((p) => 2 * p * Math.exp(p) * (1 - Math.exp(p)) - (1 - Math.exp(p)) ** 2),
    ),
  })),
};

await using service = await localService();
const model = { baseModel: 'rxtinker/tiny', rank: 8, seed: 1 };

/** The loss of each of six steps. */
const train = (loss: rxtinker.CustomLoss) =>
  rxtinker.usingTrainingClient(service, model, (training) =>
    forkJoin(tinyPassages().map(({ text }) => rxtinker.ModelInput.fromText(text, { training }))).pipe(
      map((inputs) => Array.from({ length: 6 }, () => inputs.map((modelInput) => ({ modelInput })))),
      switchMap((batches) => trainSteps(training, batches, { loss, adam: { learningRate: 1e-2 } })),
      map(({ metrics }) => metrics['loss:sum']?.toFixed(2)),
      toArray(),
    ),
  );

const runs$ = from(Object.entries(losses)).pipe(
  concatMap(([way, loss]) => train(loss).pipe(tap((values) => console.log(way.padEnd(10), values.join('  '))))),
);

await lastValueFrom(runs$);
