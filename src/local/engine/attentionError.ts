import { cachedAttention, evaluate, input } from '../../graph/index.js';
import { Random } from './random.js';
import type { Runtime, Tensors } from './runtime.js';

const [heads, kvHeads, headDim, slots] = [4, 2, 32, 96];

/**
 * How far a runtime's attention over a cache is off its plain evaluation: the one kernel that is written anew for each
 * kind of GPU, and has been wrong on some. Both its forms are run: a prompt that goes on, and new tokens of two rows.
 */
export async function attentionError(runtime: Runtime): Promise<number> {
  const cache = ['rows', kvHeads, 'slots', headDim];
  const outputs = {
    attended: cachedAttention({
      query: input('query', ['rows', 'new', heads * headDim]),
      key: input('key', ['rows', 'new', kvHeads * headDim]),
      value: input('value', ['rows', 'new', kvHeads * headDim]),
      pastKey: input('pastKey', cache),
      pastValue: input('pastValue', cache),
      ends: input('ends', ['rows'], 'int32'),
    }),
  };
  const program = await runtime.compile(outputs);
  let worst = 0;
  for (const [added, lengths] of [
    [48, [40]],
    [1, [70, 3]],
  ] as const) {
    const inputs = randomInputs(added, lengths);
    const { attended } = evaluate(outputs, inputs);
    const found = (await program.run(inputs)).attended?.data ?? [];
    attended.data.forEach((expected, i) => {
      const difference = Math.abs((found[i] ?? NaN) - expected);
      worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
    });
  }
  return worst;
}

function randomInputs(added: number, lengths: readonly number[]): Tensors {
  const random = new Random(1);
  const rows = lengths.length;
  const floats = (...shape: readonly number[]): Tensors[string] => ({
    data: Float32Array.from({ length: shape.reduce((size, part) => size * part, 1) }, () => 2 * random.uniform() - 1),
    shape,
  });
  return {
    query: floats(rows, added, heads * headDim),
    key: floats(rows, added, kvHeads * headDim),
    value: floats(rows, added, kvHeads * headDim),
    pastKey: floats(rows, kvHeads, slots, headDim),
    pastValue: floats(rows, kvHeads, slots, headDim),
    ends: { data: Int32Array.from(lengths, (length) => length + added - 1), shape: [rows] },
  };
}
