// Fine-tunes the small model in this tab: the same client as in Node, on a server in a worker.
import { ModelInput, usingTrainingClient } from 'rxtinker';
import { workerService } from 'rxtinker/local/browser';
import { trainSteps } from 'rxtinker/operators';
import { concatMap, from, map, tap, toArray } from 'rxjs';

const say = (text) => {
  document.querySelector('#log').append(`${text}\n`);
};

const lines = ['Twinkle, twinkle, little star,', 'How I wonder what you are!', 'Up above the world so high,'];

/** Trains for some steps; gives the loss of each. */
export async function train(steps = 30) {
  const { service, runtime } = await workerService(new Worker('worker.js', { type: 'module' }));
  say(`Computing with ${runtime}.`);
  const losses = [];
  const run$ = usingTrainingClient(service, { baseModel: 'rxtinker/tiny', rank: 8, seed: 1 }, (training) =>
    from(lines).pipe(
      concatMap((line) => ModelInput.fromText(line, { training })),
      map((modelInput) => ({ modelInput, lossFnInputs: {} })),
      toArray(),
      concatMap((data) =>
        trainSteps(training, Array(steps).fill(data), { loss: 'cross_entropy', adam: { learningRate: 1e-2 } }),
      ),
      tap(({ step, metrics }) => {
        losses.push(metrics['loss:sum']);
        say(`step ${step}: loss ${metrics['loss:sum'].toFixed(4)}`);
      }),
    ),
  );
  await new Promise((resolve, reject) => {
    run$.subscribe({ complete: resolve, error: reject });
  });
  await service.close();
  return losses;
}

document.querySelector('#train').addEventListener('click', async ({ target }) => {
  target.disabled = true;
  try {
    await train();
  } catch (error) {
    say(String(error));
  }
  target.disabled = false;
});
globalThis.train = train;
