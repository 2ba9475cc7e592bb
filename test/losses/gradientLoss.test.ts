import { EMPTY, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { gradientLoss, type LossWithGradients } from '../../src/losses/index.js';
import { TensorData } from '../../src/wire/index.js';
import { datum, expectInvalid, logprobs, run } from './support.js';

const data = [datum(2), datum(1)];
const values = [logprobs(-1, -2), logprobs(-3)];
const good: LossWithGradients = {
  loss: 6,
  gradients: [[-1, -2], new TensorData(Float32Array.of(-3))],
  metrics: { 'n:sum': 3 },
};

describe('a loss with its own gradients', () => {
  it('gets data and logprobs and passes on what it gives', async () => {
    const seen: unknown[] = [];
    const loss = gradientLoss((...given) => {
      seen.push(...given);
      return good;
    });
    expect(await run(loss, data, values)).toEqual({
      loss: 6,
      gradients: [Float32Array.of(-1, -2), Float32Array.of(-3)],
      metrics: { 'n:sum': 3 },
    });
    expect(seen).toEqual([data, values]);
  });

  it('may give it later', async () => {
    expect(
      (
        await run(
          gradientLoss(() => Promise.resolve(good)),
          data,
          values,
        )
      ).loss,
    ).toBe(6);
    expect(
      (
        await run(
          gradientLoss(() => of(good, { ...good, loss: 7 })),
          data,
          values,
        )
      ).loss,
    ).toBe(6);
  });

  const wide = [new TensorData(new Float32Array(4), [2, 2])];

  it.each<[string, unknown, ...string[]]>([
    ['nothing', undefined, '{ loss, gradients }', 'undefined'],
    ['a loss of NaN', { ...good, loss: NaN }, 'finite loss', 'NaN'],
    ['a loss that is no number', { ...good, loss: '6' }, 'loss as a number', '"6"'],
    ['no gradients', { loss: 6 }, 'array of 2', 'undefined'],
    ['too few gradients', { ...good, gradients: [[1, 2]] }, 'array of 2', 'an array of 1'],
    ['a gradient missing', { ...good, gradients: [[1, 2], undefined] }, 'data[1]', 'undefined'],
    ['a gradient of the wrong length', { ...good, gradients: [[1, 2, 3], [1]] }, 'shape [2] for data[0]', '3 numbers'],
    ['a gradient with NaN', { ...good, gradients: [[1, NaN], [1]] }, 'logprobs of data[0]', 'NaN at position 1'],
    ['a gradient beyond float32', { ...good, gradients: [[1, 1], [1e300]] }, 'data[1]', 'Infinity at position 0'],
    ['a metric that is no number', { ...good, metrics: { 'a:sum': null } }, 'metric a:sum', 'null'],
    ['metrics that are no record', { ...good, metrics: 1 }, 'metrics as a record', 'got 1'],
  ])('is refused with %s', async (_, value, ...words) => {
    await expectInvalid(
      gradientLoss(() => value as LossWithGradients),
      data,
      values,
      ...words,
    );
  });

  it('is refused with a gradient of another shape', async () => {
    const flat = gradientLoss(() => ({ loss: 0, gradients: [new TensorData(new Float32Array(4), [4])] }));
    await expectInvalid(flat, [datum(2)], wide, 'shape [2, 2] for data[0]', 'shape [4]');
  });

  it('is refused where it throws, fails or gives nothing', async () => {
    const cause = new Error('worker died');
    const losses = [
      gradientLoss(() => {
        throw cause;
      }),
      gradientLoss(() => throwError(() => cause)),
      gradientLoss(() => Promise.reject(cause)),
    ];
    for (const loss of losses) expect((await expectInvalid(loss, data, values, 'worker died')).cause).toBe(cause);
    await expectInvalid(
      gradientLoss(() => EMPTY),
      data,
      values,
      'without a value',
    );
  });
});
