import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constant, evaluate, gradient, input, type Node, sum } from '../../../src/graph/index.js';
import { losses } from '../../../src/local/engine/losses.js';
import {
  cispoLoss,
  crossEntropyLoss,
  droLoss,
  importanceSamplingLoss,
  type PerDatumLoss,
  ppoLoss,
} from '../../../src/losses/index.js';
import { datum, expectInvalid, logprobs, run } from '../support.js';

const logprob = fc.double({ min: -4, max: -0.01, noNaN: true });
const real = fc.double({ min: -2, max: 2, noNaN: true });
const rows = fc.array(fc.tuple(logprob, logprob, real), { minLength: 1, maxLength: 6 });

/** Loss and gradient of the embedded server's own loss, at one datum. */
function serverLoss(name: string, p: Float32Array, inputs: Readonly<Record<string, Float32Array | number>>) {
  const node = input('p', [p.length]);
  const values: Record<string, Node> = Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [key, constant(value)]),
  );
  const loss = losses[name];
  if (loss === undefined) throw new Error(`no ${name}`);
  const total = sum(loss.elementwise(node, (key) => values[key] ?? constant(loss.config[key] ?? 1)));
  const [derivative = node] = gradient(total, [node]);
  const { value, slopes } = evaluate({ value: total, slopes: derivative }, { p: { data: p, shape: [p.length] } });
  return { loss: value.data[0] ?? NaN, gradient: [...slopes.data] };
}

describe.each<[string, PerDatumLoss, Readonly<Record<string, number>>]>([
  ['cross_entropy', crossEntropyLoss, {}],
  ['importance_sampling', importanceSamplingLoss, {}],
  ['ppo', ppoLoss(), {}],
  [
    'ppo',
    ppoLoss({ clipLowThreshold: 0.5, clipHighThreshold: 1.1 }),
    { clip_low_threshold: 0.5, clip_high_threshold: 1.1 },
  ],
  ['cispo', cispoLoss(), {}],
  [
    'cispo',
    cispoLoss({ clipLowThreshold: 0.8, clipHighThreshold: 1.2 }),
    { clip_low_threshold: 0.8, clip_high_threshold: 1.2 },
  ],
  ['dro', droLoss({ beta: 0.05 }), { beta: 0.05 }],
])('%s', (name, loss, config) => {
  it("equals the server's own, loss and gradient", async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (table) => {
        const [p = new Float32Array(), q = new Float32Array(), a = new Float32Array()] = [0, 1, 2].map((column) =>
          Float32Array.from(table, (row) => row[column] ?? NaN),
        );
        const local = name === 'cross_entropy' ? { weights: a } : { logprobs: q, advantages: a };
        const result = await run(loss, [datum(p.length, local)], [logprobs(...p)]);
        const expected = serverLoss(name, p, { ...local, ...config });
        expect(Math.abs(result.loss - expected.loss)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected.loss)));
        result.gradients[0]?.forEach((slope, i) => {
          const other = expected.gradient[i] ?? NaN;
          expect(Math.abs(slope - other)).toBeLessThan(1e-5 * Math.max(1, Math.abs(other)));
        });
      }),
      { numRuns: 50 },
    );
  });
});

it('thresholds in the wrong order are refused', async () => {
  const data = [datum(1, { logprobs: [-1], advantages: [1] })];
  await expectInvalid(ppoLoss({ clipLowThreshold: 2 }), data, [logprobs(-1)], 'min ≤ max', '2 … 1.2');
});
