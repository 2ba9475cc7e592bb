import type * as Tfjs from '@tensorflow/tfjs';

type Tensor = Tfjs.Tensor;

const [vocabulary, width, layers, heads, ffn, rank] = [512, 256, 4, 4, 688, 8];
const headDim = width / heads;

/**
 * The training step of engine.ts on one sequence of so many tokens, written down plainly in tfjs on its JavaScript
 * backend. Each call of the function that is given computes a step and returns its loss.
 */
export async function tfjsStep(length: number): Promise<() => Promise<number>> {
  const tf = await import('@tensorflow/tfjs');
  // Without this it prints a banner that recommends another package.
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
  let seed = 1;
  const frozen = (shape: number[]): Tensor => tf.randomNormal(shape, 0, 0.02, 'float32', seed++);
  const linear = (inputs: number, outputs: number): ((x: Tensor) => Tensor) => {
    const weight = frozen([inputs, outputs]);
    const a = tf.variable(tf.randomUniform([inputs, rank], -1 / Math.sqrt(inputs), 1 / Math.sqrt(inputs)));
    const b = tf.variable(tf.zeros([rank, outputs]));
    return (x) =>
      tf.add(tf.matMul(x, weight), tf.mul(tf.matMul(tf.matMul(x, a as Tfjs.Tensor2D), b as Tfjs.Tensor2D), 32 / rank));
  };
  const norm = (x: Tensor): Tensor => tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5)));
  const angles = tf.buffer([length, headDim]);
  for (let t = 0; t < length; t++)
    for (let i = 0; i < headDim; i++) angles.set(t / 10_000 ** ((i % (headDim / 2)) / (headDim / 2)), t, i);
  const [cos, sin] = [tf.cos(angles.toTensor()), tf.sin(angles.toTensor())];
  const turn = (x: Tensor): Tensor => {
    const [low, high] = tf.split(x, 2, -1);
    return low === undefined || high === undefined
      ? x
      : tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(high), low], -1), sin));
  };
  const mask = tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([length, length]), -1, 0)), -1e9);
  const split = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [length, heads, headDim]), [1, 0, 2]);
  const embedding = frozen([vocabulary, width]) as Tfjs.Tensor2D;
  const layer = (): ((x: Tensor) => Tensor) => {
    const [q, k, v, o] = [0, 1, 2, 3].map(() => linear(width, width));
    const [gate, up, down] = [linear(width, ffn), linear(width, ffn), linear(ffn, width)];
    if (q === undefined || k === undefined || v === undefined || o === undefined) throw new RangeError('Four maps.');
    return (x) => {
      const h = norm(x);
      const scores = tf.mul(tf.matMul(turn(split(q(h))), turn(split(k(h))), false, true), headDim ** -0.5);
      const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)), split(v(h)));
      const attended = tf.add(x, o(tf.reshape(tf.transpose(mixed, [1, 0, 2]), [length, width])));
      const h2 = norm(attended);
      const gated = gate(h2);
      return tf.add(attended, down(tf.mul(tf.mul(gated, tf.sigmoid(gated)), up(h2))));
    };
  };
  const decoder = Array.from({ length: layers }, layer);
  const tokens = tf.randomUniformInt([length], 0, vocabulary, 2);
  const targets = tf.oneHot(tf.randomUniformInt([length], 0, vocabulary, 3), vocabulary);
  const adam = tf.train.adam(1e-3, 0.9, 0.95, 1e-12);
  const loss = (): Tfjs.Scalar => {
    const hidden = decoder.reduce<Tensor>((x, next) => next(x), tf.gather(embedding, tokens));
    const logits = tf.matMul(norm(hidden), embedding, false, true);
    return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), targets)));
  };
  return async () => {
    const value = adam.minimize(loss, true);
    const [total = NaN] = (await value?.data()) ?? [];
    value?.dispose();
    return total;
  };
}
