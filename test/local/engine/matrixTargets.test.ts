import { describe, expect, it } from 'vitest';
import type { EngineDatum, EngineTensor } from '../../../src/local/engine/engine.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { readSafetensors } from '../../../src/local/engine/safetensors.js';
import { losses } from '../../../src/local/engine/losses.js';
import { adam, randomJob, smallModel, wholeLora } from './engineFixtures.js';

const columns = 3;
const lengths = [5, 9];
const vocabulary = smallModel.config.vocabularySize;
const elementwise = Object.keys(losses).filter((name) => name !== 'gspo');

/** Data of one column each, and the same tokens with all columns as a matrix. */
function jobs(loss: string) {
  const single = Array.from({ length: columns }, (_, column) => randomJob(column + 1, lengths, vocabulary, loss));
  const [first] = single;
  if (first === undefined) throw new RangeError('There is at least one column.');
  const same = single.map((job) => ({
    ...job,
    data: job.data.map((datum, i) => ({ ...datum, tokens: first.data[i]?.tokens ?? datum.tokens })),
  }));
  const data = first.data.map((datum, index): EngineDatum => {
    const joined = Object.keys(datum.inputs).map((name): [string, EngineTensor] => {
      const parts = same.map((job) => job.data[index]?.inputs[name]?.data ?? []);
      const values = Array.from({ length: datum.tokens.length * columns }, (_, i) =>
        Number(parts[i % columns]?.[Math.floor(i / columns)]),
      );
      const numbers = name === 'target_tokens' ? Int32Array.from(values) : Float32Array.from(values);
      return [name, { data: numbers, shape: [datum.tokens.length, columns] }];
    });
    return { tokens: datum.tokens, inputs: Object.fromEntries(joined) };
  });
  return { single: same, matrix: { ...first, data } };
}

async function engineWithModel() {
  const engine = await createInProcessEngine({ baseModels: [smallModel], runtime: 'plain' });
  await engine.createModel('m', smallModel.name, wholeLora);
  return engine;
}

describe('several targets a position', () => {
  it.each(elementwise)('are as many passes of %s with one', async (loss) => {
    const { single, matrix } = jobs(loss);
    const engine = await engineWithModel();
    const { outputs, metrics } = await engine.forwardBackward('m', matrix);
    let total = 0;
    for (const [column, job] of single.entries()) {
      const alone = await engine.forwardBackward('m', { ...job, backward: false });
      total += alone.metrics['loss:sum'] ?? NaN;
      outputs.forEach(({ logprobs, elementwise_loss: losses }, index) => {
        const expected = alone.outputs[index];
        expect(logprobs?.shape).toEqual([lengths[index], columns]);
        const of = (tensor: EngineTensor | undefined) => tensor?.data.filter((_, i) => i % columns === column);
        expect(of(logprobs)).toEqual(expected?.logprobs?.data);
        expect(of(losses)).toEqual(expected?.elementwise_loss?.data);
      });
    }
    expect(metrics['loss:sum']).toBeCloseTo(total, 4);
  });

  it('have the sum of their gradients', async () => {
    const { single, matrix } = jobs('cross_entropy');
    const trained = await Promise.all(
      [[matrix], single].map(async (passes) => {
        const engine = await engineWithModel();
        for (const job of passes) await engine.forwardBackward('m', job);
        const { metrics } = await engine.optimStep('m', { ...adam, eps: 1e-3 });
        const { adapter } = await engine.saveState('m', { optimizer: false });
        return { norm: metrics['grad_norm:mean'] ?? NaN, tensors: readSafetensors(adapter).tensors };
      }),
    );
    const [together, apart] = trained;
    expect(together?.norm).toBeGreaterThan(0.1);
    expect(together?.norm).toBeCloseTo(apart?.norm ?? NaN, 4);
    for (const [name, { data }] of Object.entries(together?.tensors ?? {}))
      data.forEach((value, i) => expect(value, name).toBeCloseTo(apart?.tensors[name]?.data[i] ?? NaN, 5));
  });

  it('run beside data with one', async () => {
    const { single, matrix } = jobs('cross_entropy');
    const engine = await engineWithModel();
    const data = [...matrix.data, ...(single[0]?.data ?? [])];
    const { outputs } = await engine.forwardBackward('m', { ...matrix, data });
    expect(outputs.map(({ logprobs }) => logprobs?.shape)).toEqual([[5, columns], [9, columns], [5], [9]]);
  });

  it('need weights of their shape, and a loss that is a sum over them', async () => {
    const { matrix, single } = jobs('cross_entropy');
    const engine = await engineWithModel();
    const weights = single[0]?.data[0]?.inputs.weights;
    const data = matrix.data.map((datum) => ({ ...datum, inputs: { ...datum.inputs, ...(weights && { weights }) } }));
    expect(() => {
      engine.checkForwardBackward(smallModel.name, { ...matrix, data });
    }).toThrow('Expected weights of data[0] to have two axes, as the targets have, got shape [5].');
    expect(() => {
      engine.checkForwardBackward(smallModel.name, { ...matrix, loss: 'gspo' });
    }).toThrow('Expected target_tokens of data[0] to have one axis for gspo, got shape [5, 3].');
  });
});
