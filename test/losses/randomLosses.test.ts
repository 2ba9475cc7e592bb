import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchLoss, Expression, gradientLoss, lossInput, type PerDatumLoss, tfjsLoss } from '../../src/losses/index.js';
import { type Datum, TensorData } from '../../src/wire/index.js';
import { datum, expectGradients, run } from './support.js';

/** One operation in plain numbers, in expressions and in tfjs. */
interface Operation {
  readonly plain: (a: number, b: number) => number;
  readonly expression: (a: Expression, b: Expression) => Expression;
  readonly tfjs: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
}

const softplus = (x: number): number => Math.log1p(Math.exp(x));

/** Smooth operations whose results stay small, so that differences are sharp; one-sided ones forget b. */
const operations: readonly Operation[] = [
  { plain: (a, b) => a + b, expression: (a, b) => a.add(b), tfjs: (a, b) => a.add(b) },
  { plain: (a, b) => a - b, expression: (a, b) => a.sub(b), tfjs: (a, b) => a.sub(b) },
  { plain: (a, b) => a * b, expression: (a, b) => a.mul(b), tfjs: (a, b) => a.mul(b) },
  {
    plain: (a, b) => a / (1 + b * b),
    expression: (a, b) => a.div(b.mul(b).add(1)),
    tfjs: (a, b) => a.div(b.square().add(1)),
  },
  {
    plain: (a, b) => Math.sqrt(a * a + b * b + 0.5),
    expression: (a, b) => a.mul(a).add(b.mul(b)).add(0.5).sqrt(),
    tfjs: (a, b) => a.square().add(b.square()).add(0.5).sqrt(),
  },
  { plain: (a) => Math.exp(Math.tanh(a)), expression: (a) => a.tanh().exp(), tfjs: (a) => a.tanh().exp() },
  { plain: (a) => Math.expm1(Math.tanh(a)), expression: (a) => a.tanh().expm1(), tfjs: (a) => a.tanh().expm1() },
  {
    plain: (a) => Math.log(softplus(a) + 0.5),
    expression: (a) => a.softplus().add(0.5).log(),
    tfjs: (a) => a.softplus().add(0.5).log(),
  },
  { plain: (a) => Math.log1p(a * a), expression: (a) => a.mul(a).log1p(), tfjs: (a) => a.square().log1p() },
  { plain: (a) => 1 / (1 + Math.exp(-a)), expression: (a) => a.sigmoid(), tfjs: (a) => a.sigmoid() },
  { plain: (a) => -softplus(-a), expression: (a) => a.logsigmoid(), tfjs: (a) => a.logSigmoid() },
];

type Tree =
  { readonly leaf: 'p' | 'ref' | number } | { readonly operation: Operation; readonly a: Tree; readonly b: Tree };

const { tree } = fc.letrec<{ tree: Tree; leaf: Tree; branch: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('branch'), tie('branch')),
  leaf: fc.oneof(
    fc.constantFrom<Tree>({ leaf: 'p' }, { leaf: 'ref' }),
    fc.double({ min: -1, max: 1, noNaN: true }).map((leaf): Tree => ({ leaf })),
  ),
  branch: fc.record({ operation: fc.constantFrom(...operations), a: tie('tree'), b: tie('tree') }),
}));

function fold<T>(
  node: Tree,
  leaf: (leaf: 'p' | 'ref' | number) => T,
  apply: (operation: Operation, a: T, b: T) => T,
): T {
  if ('leaf' in node) return leaf(node.leaf);
  return apply(node.operation, fold(node.a, leaf, apply), fold(node.b, leaf, apply));
}

const small = fc.double({ min: -1, max: 0, noNaN: true }).map(Math.fround);
const batch = fc.array(fc.array(fc.tuple(small, small), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
});

/** Σ over positions of tree + p, so that each position counts. */
function forms(node: Tree, points: readonly (readonly number[])[], refs: readonly (readonly number[])[]) {
  const plain = (all: readonly (readonly number[])[]): number =>
    all
      .flatMap((ps, i) =>
        ps.map(
          (p, j) =>
            p +
            fold<number>(
              node,
              (leaf) => (leaf === 'p' ? p : leaf === 'ref' ? (refs[i]?.[j] ?? NaN) : leaf),
              ({ plain: apply }, a, b) => apply(a, b),
            ),
        ),
      )
      .reduce((a, b) => a + b, 0);
  const expression = (p: Expression, ref: Expression): Expression =>
    fold<Expression>(
      node,
      (leaf) => (leaf === 'p' ? p : leaf === 'ref' ? ref : Expression.constant(leaf)),
      (operation, a, b) => operation.expression(a, b),
    )
      .add(p)
      .sum();
  const perDatum: PerDatumLoss = ({ logprobs, ref }) => expression(logprobs, ref);
  const wholeBatch = batchLoss((data, all) =>
    all.map((p, i) => expression(p, lossInput(data[i] ?? datum(0), 'ref'))).reduce((a, b) => a.add(b)),
  );
  const inTfjs = tfjsLoss((_, all, module) =>
    module.addN(
      all.map((p, i) =>
        fold<tf.Tensor>(
          node,
          (leaf) => (leaf === 'p' ? p : leaf === 'ref' ? module.tensor1d([...(refs[i] ?? [])]) : module.scalar(leaf)),
          (operation, a, b) => operation.tfjs(a, b),
        )
          .add(p)
          .sum(),
      ),
    ),
  );
  const data: Datum[] = points.map((ps, i) => datum(ps.length, { ref: refs[i] ?? [] }));
  const values = points.map((ps) => new TensorData(Float32Array.from(ps)));
  return { plain, perDatum, wholeBatch, inTfjs, data, values };
}

describe('a random loss', () => {
  it('has the value and gradient of its plain formula in every form', async () => {
    await fc.assert(
      fc.asyncProperty(tree, batch, async (node, rows) => {
        const points = rows.map((row) => row.map(([p]) => p));
        const refs = rows.map((row) => row.map(([, ref]) => ref));
        const { plain, perDatum, wholeBatch, inTfjs, data, values } = forms(node, points, refs);
        const expected = plain(points);
        const one = await run(perDatum, data, values);
        const scale = Math.max(1, Math.abs(expected));
        // Constants and results are float32 at the edges, float64 between them.
        expect(Math.abs(one.loss - expected)).toBeLessThan(1e-6 * scale);
        expectGradients(one.gradients, points, plain);

        const together = await run(wholeBatch, data, values);
        expect(together.gradients).toEqual(one.gradients);
        expect(Math.abs(together.loss - one.loss)).toBeLessThan(1e-12 * scale);

        const own = await run(
          gradientLoss(() => ({ loss: expected, gradients: one.gradients })),
          data,
          values,
        );
        expectGradients(own.gradients, points, plain);

        const other = await run(inTfjs, data, values);
        expect(Math.abs(other.loss - one.loss)).toBeLessThan(1e-5 * scale);
        other.gradients.forEach((gradient, i) => {
          gradient.forEach((slope, j) => {
            const mine = one.gradients[i]?.[j] ?? NaN;
            expect(Math.abs(slope - mine)).toBeLessThan(1e-5 * Math.max(1, Math.abs(mine)));
          });
        });
      }),
      { numRuns: 60 },
    );
  });
});
