import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SamplingClient } from '../../src/clients/sampling.js';
import { ServiceClient } from '../../src/clients/service.js';
import { silentLogger } from '../../src/log.js';
import { ModelInput } from '../../src/wire/index.js';
import { type StubRequest, stubServer } from './support/stubServer.js';

const nameOf = ({ line }: StubRequest): string => line.replace(/.*\//, '');
const idOf = (request: StubRequest): string => (request.body as { request_id: string }).request_id;

/** A server whose samples finish when the test says so, and a client on it. */
async function samplingOn(flags: { config?: object; dynamic?: object }): Promise<{
  sampling: SamplingClient;
  service: ServiceClient;
  requests: StubRequest[];
  finish: (id: string) => void;
  named: (name: string) => StubRequest[];
}> {
  const finished = new Set<string>();
  const polls = new Set<() => void>();
  const ready = (isReady: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!isReady()) return;
        polls.delete(check);
        resolve();
      };
      polls.add(check);
      check();
    });
  const told = new Set<string>();
  const news = (): string[] => [...finished].filter((id) => !told.has(id));
  const { url, requests } = await stubServer(async (request) => {
    switch (nameOf(request)) {
      case 'config':
        return { json: flags.config ?? {} };
      case 'dynamic_config':
        return { json: flags.dynamic ?? {} };
      case 'create_session':
        return { json: { session_id: 's' } };
      case 'create_sampling_session':
        return { json: { sampling_session_id: 'sampler' } };
      case 'asample':
        return { json: { request_id: `r${(request.body as { seq_id: number }).seq_id}` } };
      case 'retrieve_futures': {
        if ((request.body as { timeout?: number }).timeout !== 0) await ready(() => news().length > 0);
        const completions = news().map((id) => ({ state: 'finished', request_id: id }));
        for (const { request_id: id } of completions) told.add(id);
        return { json: { completions, cursor: told.size } };
      }
      case 'retrieve_future':
        await ready(() => finished.has(idOf(request)));
        return { json: { sequences: [{ tokens: [Number(idOf(request).slice(1))], stop_reason: 'length' }] } };
      default:
        return {};
    }
  });
  const service = new ServiceClient({ baseUrl: url, log: silentLogger });
  onTestFinished(() => service.close());
  const sampling = await service.createSamplingClient({ baseModel: 'base' }).result();
  return {
    sampling,
    service,
    requests,
    named: (name) => requests.filter((request) => nameOf(request) === name),
    finish: (id) => {
      finished.add(id);
      for (const check of [...polls]) check();
    },
  };
}

const prompt = ModelInput.fromTokens([1, 2, 3]);

describe('samples of a server with one poll for all', () => {
  it('wait by retrieve_futures, fetch each result once, and tell the server what was fetched', async () => {
    const { sampling, service, named, finish } = await samplingOn({ config: { sample_use_retrieve_futures: true } });
    const results = [0, 1, 2].map(() => sampling.sample({ prompt }).result());
    await vi.waitFor(() => {
      expect(named('asample')).toHaveLength(3);
      expect(named('retrieve_futures').length).toBeGreaterThan(0);
    });
    for (const id of ['r1', 'r0', 'r2']) finish(id);
    expect(named('asample')[0]?.headers['x-tinker-sampling-backpressure']).toBe('1');
    const tokens = (await Promise.all(results)).map(({ sequences }) => Number(sequences[0]?.tokens[0]));
    expect(tokens.sort()).toEqual([0, 1, 2]);
    await service.close();
    expect(named('retrieve_future').map(idOf).sort()).toEqual(['r0', 'r1', 'r2']);
    const retrieved = named('retrieve_futures').flatMap(
      ({ body }) => (body as { retrieved_request_ids: string[] }).retrieved_request_ids,
    );
    expect(new Set(retrieved)).toEqual(new Set(['r0', 'r1', 'r2']));
    expect(named('retrieve_futures')[0]?.body).toEqual({
      target: { type: 'sampling_session', sampling_session_id: 'sampler', cloned_sampler_id: 0 },
      prev_cursor: 0,
      retrieved_request_ids: [],
    });
  });
});

describe('a client that joined a sampler on a server that counts none', () => {
  it('draws its number, and sends seq_ids of its own block as whole numbers of 64 bits', async () => {
    const { sampling, service, named } = await samplingOn({ config: { sample_use_retrieve_futures: true } });
    const handle = await sampling.getSamplerHandle().result();
    const joined = await service.joinSampler(handle).result();
    const subscription = joined.sample({ prompt }).subscribe();
    await vi.waitFor(() => {
      expect(named('retrieve_futures')).toHaveLength(1);
    });
    // The first of a block is a multiple of 10⁹, which a number of this size holds exactly.
    const [seqId] = named('asample').map(({ body }) => (body as { seq_id: number }).seq_id);
    const clone = (seqId ?? 0) / 1e9;
    expect(clone).toBeGreaterThan(0);
    expect(clone).toBeLessThanOrEqual(1e9);
    expect(named('retrieve_futures')[0]?.body).toMatchObject({ target: { cloned_sampler_id: clone } });
    subscription.unsubscribe();
    expect(named('join_sampling_session')).toEqual([]);
  });
});

describe('a sample that nobody waits for any more', () => {
  const cancelling = { dynamic: { sample_cancel_enabled: true } };

  it('is cancelled where the server can, and made anew for who subscribes again', async () => {
    const { sampling, named, finish } = await samplingOn(cancelling);
    const sample = sampling.sample({ prompt });
    const subscription = sample.subscribe();
    await vi.waitFor(() => {
      expect(named('retrieve_future')).toHaveLength(1);
    });
    subscription.unsubscribe();
    await vi.waitFor(() => {
      expect(named('cancel_future').map(({ body }) => body)).toEqual([{ request_id: 'r0' }]);
    });
    finish('r1');
    expect((await sample.result()).sequences[0]?.tokens[0]).toBe(1);
    expect(named('asample')).toHaveLength(2);
  });

  it('is cancelled by its signal', async () => {
    const { sampling, named } = await samplingOn(cancelling);
    const abort = new AbortController();
    const failed = expect(sampling.sample({ prompt, signal: abort.signal }).result()).rejects.toMatchObject({
      code: 'aborted',
    });
    await vi.waitFor(() => {
      expect(named('retrieve_future')).toHaveLength(1);
    });
    abort.abort();
    await failed;
    await vi.waitFor(() => {
      expect(named('cancel_future')).toHaveLength(1);
    });
  });

  it('goes on where the server can not cancel, and its result is there for who subscribes again', async () => {
    const { sampling, named, finish } = await samplingOn({});
    const sample = sampling.sample({ prompt });
    const subscription = sample.subscribe();
    await vi.waitFor(() => {
      expect(named('retrieve_future')).toHaveLength(1);
    });
    subscription.unsubscribe();
    await vi.waitFor(() => {
      expect(named('dynamic_config')).toHaveLength(1);
    });
    finish('r0');
    expect((await sample.result()).sequences[0]?.tokens[0]).toBe(0);
    expect(named('asample')).toHaveLength(1);
    expect(named('cancel_future')).toEqual([]);
  });
});

describe('the limit of samples at a time', () => {
  it('is the server’s, from the send to the result', async () => {
    const { sampling, named, finish } = await samplingOn({ config: { sample_max_concurrent_requests: 2 } });
    const results = [0, 1, 2].map(() => sampling.sample({ prompt }).result());
    await vi.waitFor(() => {
      expect(named('retrieve_future')).toHaveLength(2);
    });
    expect(named('asample')).toHaveLength(2);
    finish('r0');
    finish('r1');
    finish('r2');
    await Promise.all(results);
    expect(named('asample')).toHaveLength(3);
    expect(named('cancel_future')).toEqual([]);
  });

  it('gives the place of one that left to the next', async () => {
    const { sampling, named } = await samplingOn({ config: { sample_max_concurrent_requests: 1 } });
    const first = sampling.sample({ prompt }).subscribe();
    const second = sampling.sample({ prompt }).subscribe();
    const third = sampling.sample({ prompt }).subscribe();
    await vi.waitFor(() => {
      expect(named('retrieve_future')).toHaveLength(1);
    });
    second.unsubscribe();
    first.unsubscribe();
    await vi.waitFor(() => {
      expect(named('asample')).toHaveLength(2);
    });
    third.unsubscribe();
  });
});
