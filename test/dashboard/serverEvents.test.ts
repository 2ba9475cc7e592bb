import { Subject, firstValueFrom, filter, lastValueFrom, merge, startWith } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServiceClient } from '../../src/clients/service.js';
import { restSource } from '../../src/dashboard/index.js';
import { RunHistories } from '../../src/dashboard/page/runHistories.js';
import { type LocalServer, startLocalServer } from '../../src/local/index.js';
import { ModelInput } from '../../src/wire/index.js';

let server: LocalServer | undefined;
afterEach(() => server?.close());

const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3, 4]), lossFnInputs: {} }];

describe('what the embedded server tells', () => {
  it('is enough to follow its models: calls queued, computed and done, metrics, checkpoints, samples', async () => {
    const histories = new RunHistories();
    server = await startLocalServer({ threads: 1, tell: (event) => histories.apply(event) });
    await using service = new ServiceClient({ baseUrl: server.url });
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    for (let step = 0; step < 2; step++) {
      await lastValueFrom(merge(training.forwardBackward(data, 'cross_entropy'), training.optimStep()));
    }
    const { path } = await training.saveState('kept').result();
    const sampling = await training.saveWeightsAndGetSamplingClient().result();
    const prompt = await lastValueFrom(ModelInput.fromText('Twinkle', { training }));
    const { sequences } = await sampling
      .sample({ prompt, numSamples: 1, samplingParams: { maxTokens: 4, seed: 1 } })
      .result();
    await training.unloadModel().result();
    const run = histories.runs.get(training.modelId);
    await vi.waitFor(() => {
      expect(run?.samples).toHaveLength(1);
    });
    expect(run).toMatchObject({ name: 'rxtinker/tiny, rank 4', state: 'ended' });
    expect(run?.columns.steps).toEqual([0, 1]);
    expect([...(run?.columns.values.keys() ?? [])].sort()).toContain('loss:sum');
    expect([...(run?.checkpoints.values() ?? [])]).toMatchObject([{ path, step: 2 }]);
    const written = await training
      .decode(sequences[0]?.tokens ?? [])
      .result()
      .catch(() => '');
    expect(run?.samples).toMatchObject([{ prompt: 'Twinkle', step: 2, text: written }]);
    const operations = [...(run?.operations.values() ?? [])];
    expect(operations.map(({ operation }) => operation).slice(0, 6)).toEqual([
      ...['forward_backward', 'optim_step', 'forward_backward', 'optim_step', 'save_weights'],
      'save_weights_for_sampler',
    ]);
    for (const { state, times } of operations) {
      expect(state).toBe('done');
      expect(times.computing).toBeGreaterThanOrEqual(times.queued ?? Infinity);
      expect(times.done).toBeGreaterThanOrEqual(times.computing ?? Infinity);
    }
  });
});

describe('restSource', () => {
  it('shows the training runs and checkpoints of a server, and says when it does not answer', async () => {
    server = await startLocalServer({ threads: 1 });
    await using service = new ServiceClient({ baseUrl: server.url });
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    const { path } = await training.saveState('kept').result();
    const histories = new RunHistories();
    const changes = new Subject<undefined>();
    const following = restSource(service, { intervalMs: 20 }).events$.subscribe((event) => {
      histories.apply(event);
      changes.next(undefined);
    });
    const until = (holds: () => boolean): Promise<unknown> =>
      firstValueFrom(changes.pipe(startWith(undefined), filter(holds)));
    await until(() => histories.runs.get(training.modelId)?.checkpoints.has(path) === true);
    expect(histories.runs.get(training.modelId)?.name).toBe('rxtinker/tiny, rank 4');
    await service.close();
    await until(() => histories.runs.get(service.baseUrl)?.state === 'stalled');
    expect(histories.runs.get(service.baseUrl)?.note).toContain('closed');
    following.unsubscribe();
  });
});
