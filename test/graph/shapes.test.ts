import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import {
  add,
  cachedAttention,
  clamp,
  concat,
  constant,
  evaluate,
  expand,
  expandAs,
  gather,
  gradient,
  input,
  logprob,
  matmul,
  mean,
  mul,
  oneHot,
  repeatInterleave,
  reshape,
  rope,
  select,
  slice,
  squeeze,
  sub,
  sum,
  transpose,
  type Node,
  type Shape,
} from '../../src/graph/index.js';

const float = (shape: readonly number[], ...data: number[]) => ({ data: Float32Array.from(data), shape });
const x = (...shape: Shape) => input('x', shape);
const attend = (query: Node, key: Node) =>
  cachedAttention({ query, key, value: key, pastKey: x('b', 2, 'p', 2), pastValue: x('b', 2, 'p', 2), ends: ids('b') });
const ids = (...shape: Shape) => input('ids', shape, 'int32');

describe('shapes with names', () => {
  it('broadcast: equal names match, and a name matches 1', () => {
    expect(add(x('batch', 1, 4), x('sequence', 1)).shape).toEqual(['batch', 'sequence', 4]);
    expect(add(x('n'), 2).shape).toEqual(['n']);
  });

  it('add up, multiply and lose places', () => {
    expect(concat([x('past', 2), x('sequence', 2)], 0).shape).toEqual(['past+sequence', 2]);
    expect(concat([x('sequence', 2), x('past', 2)], 0).shape).toEqual(['past+sequence', 2]);
    expect(concat([x('n'), x(3), x('n')], 0).shape).toEqual(['n+n+3']);
    expect(repeatInterleave(x('n', 2), 3, 0).shape).toEqual(['3*n', 2]);
    expect(slice(x('n'), 0, 1).shape).toEqual(['n-1']);
    expect(slice(slice(x('n'), 0, 1), 0, 0, -1).shape).toEqual(['n-2']);
    expect(slice(x('n'), 0, -2).shape).toEqual([2]);
    expect(slice(x('n'), 0, 1, 4).shape).toEqual([3]);
    expect(slice(x(5), 0, 1, -1).shape).toEqual([3]);
    expect(sub(slice(x('n'), 0, 1), slice(x('n'), 0, 0, -1)).shape).toEqual(['n-1']);
  });

  it('are bound by the feeds, also where a reshape asks for a name that only another input brings', () => {
    const wide = reshape(x('n'), ['rows', 'columns']);
    const like = input('like', ['rows', 'columns']);
    const feeds = { x: float([6], 1, 2, 3, 4, 5, 6), like: float([2, 3], 0, 0, 0, 0, 0, 0) };
    expect(evaluate({ wide, sum: add(wide, like) }, feeds).wide.shape).toEqual([2, 3]);
  });

  it('carry the mean of an axis of unknown length and its derivative', () => {
    const node = x('n');
    const [byX] = gradient(mean(mul(node, 3)), [node]);
    if (byX === undefined) expect.fail('no gradient');
    expect([...evaluate({ byX }, { x: float([4], 0, 0, 0, 0) }).byX.data]).toEqual([0.75, 0.75, 0.75, 0.75]);
  });
});

describe('a builder refuses', () => {
  it.each([
    ['sizes that differ', () => add(x('n'), x('k')), 'Expected shapes that broadcast for add, got "[n] and [k]"'],
    ['a name and a number', () => mul(x('n'), x(3)), 'got "[n] and [3]"'],
    ['vectors in matmul', () => matmul(x(3), x(3)), 'two or more axes for matmul'],
    ['inner sizes', () => matmul(x('n', 3), x(4, 2)), 'equal inner sizes for matmul, got "[n, 3] and [4, 2]"'],
    ['inner sizes, transposed', () => matmul(x(2, 3), x(3, 2), { transB: true }), '[3, 2] transposed'],
    ['an axis too many', () => sum(x('n'), 1), 'an axis from -1 to 0 for sum, got 1'],
    ['a fraction as axis', () => sum(x('n'), 0.5), 'an axis from -1 to 0'],
    ['a permutation with a gap', () => transpose(x(2, 3), [0, 2]), 'a permutation of the axes of [2, 3]'],
    ['another number of elements', () => reshape(x(2, 3), [4]), 'a shape of 6 elements'],
    ['concat of nothing', () => concat([], 0), 'one or more nodes to concat'],
    ['concat of other sizes', () => concat([x(2, 3), x(2, 4)], 0), 'float32 of shape [2, 3] but for axis 0'],
    ['concat of other dtypes', () => concat([x(2), ids(2)], 0), 'int32 of shape [2]'],
    ['expand of a full axis', () => expand(x(2), [3]), 'sizes to which [2] expands'],
    ['expandAs of a wider shape', () => expandAs(x(2, 3), x(3)), 'a shape that broadcasts to [3]'],
    ['squeeze of a full axis', () => squeeze(x(2, 3), 0), 'size 1 at axis 0'],
    ['select outside', () => select(x(2), 0, 2), 'an index from -2 to 1'],
    ['a slice of unknown size', () => slice(x('n'), 0, -3, 2), 'bounds that give a size for n'],
    ['a slice at a fraction', () => slice(x('n'), 0, 0.5), 'integer bounds, got 0.5'],
    ['float indices', () => gather(x(2), x(2)), 'int32 indices for gather'],
    ['targets of another shape', () => logprob(x('n', 4), ids('k')), 'targets of the shape of the logits [n, 4]'],
    ['a one-hot of unknown width', () => oneHot(ids('n'), 'classes'), 'a known number of classes'],
    ['half a head', () => rope(x('b', 's', 6), x('n', 2), x('n', 2), ids('b', 's')), '[batch, sequence, heads · 4]'],
    ['angles of another shape', () => rope(x('b', 's', 4), x('n', 2), x('n', 4), ids('b', 's')), 'cosines and sines'],
    ['positions of another shape', () => rope(x('b', 's', 4), x('n', 2), x('n', 2), ids('s')), 'positions [b, s]'],
    ['keys of another shape', () => attend(x('b', 's', 8), x('b', 's', 6)), '[b, s, 4] for cachedAttention'],
    ['part of a group of queries', () => attend(x('b', 's', 6), x('b', 's', 4)), 'a query of groups of 4'],
    ['repeats of nothing', () => repeatInterleave(x(2), 0, 0), 'repeats from 1'],
    ['bounds in the wrong order', () => clamp(x(2), 1, 0), 'min ≤ max'],
    ['an input without a name', () => input('', []), 'a name for an input'],
    ['an input of negative size', () => input('x', [-1]), 'integers from 0 or names'],
    ['a constant of another length', () => constant(new Float32Array(3), [2]), 'a shape of 3 elements'],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(TinkerError);
    expect(build).toThrow(message);
  });
});

describe('evaluation refuses', () => {
  const two = float([2], 1, 2);
  const table = float([3, 1], 1, 2, 3);
  it.each([
    ['a missing feed', () => evaluate({ y: x('n') }, { z: two }), 'a tensor for the input x, got "feeds for z"'],
    ['another kind of array', () => evaluate({ y: ids('n') }, { ids: two }), 'an Int32Array for ids'],
    ['too few elements', () => evaluate({ y: x('n') }, { x: float([3], 1) }), '3 elements for x, got 1'],
    ['another rank', () => evaluate({ y: x('n', 2) }, { x: two }), 'input x of shape [n, 2], got "[2]"'],
    ['another size', () => evaluate({ y: x(3) }, { x: two }), 'input x of shape [3], got "[2]"'],
    [
      'a name with two sizes',
      () => evaluate({ y: add(x('n'), input('z', ['n'])) }, { x: two, z: float([3], 1, 2, 3) }),
      'input z of shape [n] (n = 2), got "[3]"',
    ],
    [
      'a slice that is shorter than its shape says',
      () => evaluate({ y: slice(x('n'), 0, 0, 4) }, { x: two }),
      'the result of slice of shape [4], got "[2]"',
    ],
    [
      'a reshape that does not come out even',
      () => evaluate({ y: reshape(x('n'), ['m', 4]) }, { x: two }),
      '2 elements to fit the shape, got "[m, 4]"',
    ],
    [
      'an index outside',
      () => evaluate({ y: gather(x(3, 1), ids(1)) }, { x: table, ids: { data: new Int32Array([3]), shape: [1] } }),
      'indices from 0 to 2 for gather, got 3',
    ],
    [
      'a target outside',
      () =>
        evaluate(
          { y: logprob(x('n', 2), ids('n')) },
          { x: float([1, 2], 0, 0), ids: { data: new Int32Array([-1]), shape: [1] } },
        ),
      'indices from 0 to 1 for logprob, got -1',
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(TinkerError);
    expect(run).toThrow(message);
  });
});
