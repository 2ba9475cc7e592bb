/**
 * Pre-trains the default model with the embedded engine: all weights, from a seed, on tales.txt.gz and text.txt.
 * Writes model.safetensors after every 200 steps and prints the loss on tales held out. The same bytes at every run on
 * the same machine with the same versions of Node and onnxruntime-node; other processors round differently.
 *
 *     npm run build && node src/local/models/tiny/pretrain.mjs [output file] [threads]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { endOfText, readPretrainingText } from './readPretrainingText.mjs';

const seed = 1;
const steps = 1600;
const batch = 8;
const length = 256;
const highestRate = 3e-3;
const warmup = 100;
const stepsBetweenCheckpoints = 200;

const json = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const compiled = (name) => import(new URL(`../../../../dist/src/local/engine/${name}.js`, import.meta.url));
const { adamWStep, createAdamWState } = await compiled('adamW');
const { loadWeights } = await compiled('baseModel');
const { fullTrainingGraph } = await compiled('fullTrainingGraph');
const { decoderConfigFrom } = await compiled('huggingFace/decoderConfigFrom');
const { Fields } = await compiled('huggingFace/fields');
const { writeWeights } = await compiled('huggingFace/writeWeights');
const { loadRuntime } = await compiled('loadRuntime');
const { losses } = await compiled('losses');
const { gradientName } = await compiled('model');
const { positionFeeds } = await compiled('positionFeeds');
const { Random } = await compiled('random');

const output = process.argv[2] ?? new URL('model.safetensors', import.meta.url);
const threads = Number(process.argv[3] ?? 2);
const config = decoderConfigFrom(new Fields('config.json', json('config.json')));
const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
const random = new Random(seed, 1);

const encode = (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
const [end] = encode(endOfText);
const texts = readPretrainingText();
/** Each text between two ends, as a sample starts and stops. */
const stream = (list) => Int32Array.from([end, ...list.flatMap((text) => [...encode(text), end])]);
const training = stream(texts.training);
const heldOut = stream(texts.heldOut);

/** Where the sequences of an epoch start: all of the text from a random place on, in random order. */
function* starts() {
  for (;;) {
    const order = [];
    for (let start = Math.floor(random.uniform() * length); start + length < training.length; start += length)
      order.push(start);
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random.uniform() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    yield* order;
  }
}

/** Sequences of `length` tokens of a stream as the graph's inputs; the loss is the mean over `positions`. */
function feeds(tokens, from, positions) {
  const shape = [from.length, length];
  const data = { tokens: new Int32Array(from.length * length), targets: new Int32Array(from.length * length) };
  const weights = new Float32Array(from.length * length);
  from.forEach((start, row) => {
    const count = Math.min(length, tokens.length - 1 - start);
    data.tokens.set(tokens.subarray(start, start + count), row * length);
    data.targets.set(tokens.subarray(start + 1, start + 1 + count), row * length);
    weights.fill(1 / positions, row * length, row * length + count);
  });
  return {
    tokens: { data: data.tokens, shape },
    targets: { data: data.targets, shape },
    weights: { data: weights, shape },
    ...positionFeeds(config, shape[0], length),
  };
}

// All weights in one flat buffer, so that one step of the optimizer takes them all.
const initial = loadWeights({ config, weights: { kind: 'random', seed } });
const values = new Float32Array(Object.values(initial).reduce((size, { data }) => size + data.length, 0));
const gradient = new Float32Array(values.length);
const weights = {};
const places = [];
for (const [name, { data, shape }] of Object.entries(initial)) {
  const offset = places.reduce((sum, { size }) => sum + size, 0);
  places.push({ name, offset, size: data.length });
  values.set(data, offset);
  weights[name] = { data: values.subarray(offset, offset + data.length), shape };
}
const optimizer = createAdamWState(values.length);

const runtime = await loadRuntime('onnxruntime-node', threads);
const { losses: elementwise, ...rest } = fullTrainingGraph(config, losses.cross_entropy);
const program = await runtime.compile({ losses: elementwise, ...rest });
const evaluation = await runtime.compile({ losses: elementwise });
const sum = ({ losses: { data } }) => data.reduce((total, value) => total + value, 0);

async function heldOutLoss() {
  let total = 0;
  for (let start = 0; start < heldOut.length - 1; start += length)
    total += sum(await evaluation.run({ ...weights, ...feeds(heldOut, [start], heldOut.length - 1) }));
  return total;
}

function rateAt(step) {
  if (step < warmup) return (highestRate * (step + 1)) / warmup;
  return highestRate * (0.05 + 0.95 * 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup))));
}

const bytes = texts.heldOut.reduce((total, text) => total + Buffer.byteLength(text) + 1, 0);
console.log(`${runtime.description}: ${values.length} weights, ${training.length} tokens to train on`);
const began = performance.now();
const next = starts();
let recent = 0;
for (let step = 0; step < steps; step++) {
  const from = Array.from({ length: batch }, () => next.next().value);
  const results = await program.run({ ...weights, ...feeds(training, from, batch * length) });
  recent += sum(results) / stepsBetweenCheckpoints;
  for (const { name, offset } of places) gradient.set(results[gradientName(name)].data, offset);
  adamWStep(values, gradient, optimizer, {
    learning_rate: rateAt(step),
    ...{ beta1: 0.9, beta2: 0.98, eps: 1e-9, weight_decay: 0.3, grad_clip_norm: 1 },
  });
  if ((step + 1) % stepsBetweenCheckpoints > 0 && step + 1 < steps) continue;
  writeFileSync(output, writeWeights(weights));
  const loss = await heldOutLoss();
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `step ${step + 1}/${steps}  loss ${recent.toFixed(3)}  held out ${loss.toFixed(3)} a token,`,
    `${((loss * (heldOut.length - 1)) / bytes).toFixed(3)} a byte  ${seconds.toFixed(0)} s`,
  );
  recent = 0;
}
