import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/local/engine/engine.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { createWorkerEngine } from '../../../src/local/engine/workerEngine.js';
import { adam, randomJob, smallModel, wholeLora } from './engineFixtures.js';

const base = smallModel.name;
const vocabulary = smallModel.config.vocabularySize;
const options = { baseModels: [smallModel], threads: 1 };
const workerEngineUrl = new URL('../../../dist/src/local/engine/workerEngine.js', import.meta.url).href;

/** Runs a script of its own process on the compiled engine; its output, or an error if it does not end by itself. */
function runScript(body: string, flags: readonly string[] = []): string {
  const script = `const { createWorkerEngine } = await import(${JSON.stringify(workerEngineUrl)});\n${body}`;
  return execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
}

describe('createWorkerEngine', () => {
  it('computes what the engine in this thread does, bit for bit, and leaves the arguments alone', async () => {
    const results: unknown[] = [];
    for (const create of [createInProcessEngine, createWorkerEngine]) {
      const engine: Engine = await create(options);
      expect(engine.runtime).toMatch(/^onnxruntime-node \d+\.\d+\.\d+, cpu, 1 thread$/);
      await engine.createModel('m', base, wholeLora);
      const job = randomJob(1, [5, 9, 30], vocabulary, 'ppo');
      const outputs = await Promise.all([engine.forwardBackward('m', job), engine.optimStep('m', adam)]);
      expect(job).toEqual(randomJob(1, [5, 9, 30], vocabulary, 'ppo'));
      const state = await engine.saveState('m', { optimizer: true });
      await engine.loadState('m', state);
      await engine.createSampler('s', { baseModel: base, lora: wholeLora, adapter: state.adapter });
      const sample = await engine.sample('s', {
        prompt: Int32Array.of(1, 2),
        numSamples: 3,
        maxTokens: 4,
        temperature: 1,
        topK: -1,
        topP: 1,
        seed: 3,
        stopTokens: [],
        promptLogprobs: true,
      });
      results.push({ infos: engine.baseModels, outputs, state, sample });
      await engine.removeSampler('s');
      await engine.unloadModel('m');
      await engine.close();
    }
    expect(results[1]).toEqual(results[0]);
  });

  it('checks jobs here, at once', async () => {
    const engine = await createWorkerEngine(options);
    const job = randomJob(1, [5], vocabulary, 'ppo');
    expect(() => {
      engine.checkForwardBackward(base, job);
    }).not.toThrow();
    expect(() => {
      engine.checkForwardBackward(base, { ...job, data: [] });
    }).toThrow('Expected at least one datum, got no data.');
    expect(() => {
      engine.checkForwardBackward('none', job);
    }).toThrow('Expected a base model of test/small, got "none".');
    await engine.close();
  });

  it('carries errors over with their code', async () => {
    const engine = await createWorkerEngine(options);
    await expect(engine.optimStep('none', adam)).rejects.toMatchObject({
      name: 'TinkerError',
      code: 'not_found',
      message: 'Expected a model that is loaded, got "none".',
    });
    await engine.close();
  });

  it('leaves this thread free while it computes', async () => {
    const engine = await createWorkerEngine({ threads: 1 });
    await engine.createModel('m', 'rxtinker/tiny', wholeLora);
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 10);
    const start = performance.now();
    await engine.forwardBackward('m', randomJob(1, new Array<number>(24).fill(120), 1024, 'cross_entropy'));
    const elapsed = performance.now() - start;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(elapsed / 10 / 4);
    await engine.close();
  });

  it('rejects what is pending and what comes when it is closed', async () => {
    const engine = await createWorkerEngine(options);
    await engine.createModel('m', base, wholeLora);
    const pending = engine.forwardBackward('m', randomJob(1, [5], vocabulary, 'ppo'));
    const [result] = await Promise.allSettled([pending, engine.close()]);
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'closed', message: 'The engine was closed.' } });
    await expect(engine.optimStep('m', adam)).rejects.toMatchObject({ code: 'closed' });
    await engine.close();
  });

  it('rejects every call when its worker dies', () => {
    // So many layers do not fit into the worker's heap: that ends the worker, not the process.
    const output = runScript(
      `
      const config = { ...${JSON.stringify(smallModel.config)}, layers: 1e8 };
      const model = { ...${JSON.stringify(smallModel)}, name: 'huge', config };
      const engine = await createWorkerEngine({ runtime: 'plain', baseModels: [model] });
      const lora = ${JSON.stringify(wholeLora)};
      const calls = [engine.createModel('m', 'huge', lora), engine.saveState('m', { optimizer: true })];
      for (const { reason } of await Promise.allSettled(calls)) console.log(reason.name, reason.code, reason.message);
      await engine.unloadModel('m').catch(({ code }) => console.log('later', code));
      await engine.close();
    `,
      ['--max-old-space-size=40'],
    );
    const lines = output.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain(
      "TinkerError server_error The engine's worker failed: Worker terminated due to reaching memory limit",
    );
    expect(lines[1]).toBe(lines[0]);
    expect(lines[2]).toBe('later server_error');
  }, 60_000);

  it('says why it can not start', async () => {
    await expect(createWorkerEngine({ ...options, runtime: 'none' as 'plain' })).rejects.toMatchObject({
      name: 'TinkerError',
    });
  });

  it('lets a process end that forgets to close it, and keeps one alive that waits for it', () => {
    const output = runScript(`
      const engine = await createWorkerEngine({ runtime: 'onnxruntime-node', threads: 1 });
      await engine.createModel('m', 'rxtinker/tiny',
        { rank: 2, seed: 1, trainAttention: true, trainMlp: true, trainUnembedding: true });
      engine.saveState('m', { optimizer: true }).then(() => console.log('saved'));
    `);
    expect(output).toBe('saved\n');
  });
});
