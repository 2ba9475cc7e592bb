/**
 * A checkpoint of 135 million parameters (the sizes of a small Llama, random weights in bfloat16, made here) trains an
 * adapter of rank 8 on sequences of 512 tokens, in a process whose memory is measured. It fails beyond 4 GB.
 * Usage: npm run bench:large [precision …]
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineDatum } from '../../src/local/engine/engine.js';
import type { DecoderConfig } from '../../src/local/engine/decoderConfig.js';
import { readBaseModel } from '../../src/local/engine/huggingFace/readBaseModel.js';
import { isLinear, storedName } from '../../src/local/engine/huggingFace/readWeights.js';
import { weightShapes } from '../../src/local/engine/model.js';
import type { Precision } from '../../src/local/engine/precision.js';
import { Random } from '../../src/local/engine/random.js';
import { createWorkerEngine } from '../../src/local/engine/workerEngine.js';

const length = 512;
const steps = 3;
const limitMegabytes = 4000;
const config: DecoderConfig = {
  vocabularySize: 49_152,
  hiddenSize: 576,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  ffnSize: 1536,
  ropeTheta: 10_000,
  normEps: 1e-5,
  tiedEmbeddings: true,
  contextLength: 2048,
};

/** Writes the checkpoint tensor by tensor; gives its number of parameters. */
function makeCheckpoint(directory: string): number {
  const file = openSync(path.join(directory, 'model.safetensors'), 'w');
  const shapes = Object.entries(weightShapes(config));
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    const begin = end;
    end += shape.reduce((product, size) => product * size, 2);
    const stored = isLinear(name, shape) ? shape.toReversed() : shape;
    header[storedName(name)] = { dtype: 'BF16', shape: stored, data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(json.length));
  writeSync(file, start);
  writeSync(file, json);
  shapes.forEach(([, shape], index) => {
    const random = new Random(7, index);
    const size = shape.reduce((product, part) => product * part, 1);
    const values = new Float32Array(size).fill(1);
    if (shape.length > 1) for (let i = 0; i < size; i++) values[i] = (random.uniform() - 0.5) * 0.14;
    const bits = new Uint32Array(values.buffer);
    writeSync(file, Buffer.from(Uint16Array.from(bits, (bit) => bit >>> 16).buffer));
  });
  closeSync(file);
  const fields = {
    architectures: ['LlamaForCausalLM'],
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    intermediate_size: config.ffnSize,
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.normEps,
    rope_theta: config.ropeTheta,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
  };
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(fields));
  writeFileSync(path.join(directory, 'tokenizer.json'), '{}');
  return end / 2;
}

interface Measure {
  readonly losses: readonly number[];
  readonly tokensPerSecond: number;
  readonly peakMegabytes: number;
  readonly runtime: string;
  /** What the engine said of the rounding. */
  readonly note: string;
}

async function train(directory: string, precision: Precision): Promise<Measure> {
  let note = '';
  const engine = await createWorkerEngine(
    { baseModels: [readBaseModel('large', directory)], precision },
    (_, message) => {
      note = message;
    },
  );
  const lora = { rank: 8, seed: 1, trainAttention: true, trainMlp: true, trainUnembedding: false };
  await engine.createModel('m', 'large', lora);
  const random = new Random(3);
  const tokens = Int32Array.from({ length: length + 1 }, () => random.uint32() % config.vocabularySize);
  const datum: EngineDatum = {
    tokens: tokens.slice(0, -1),
    inputs: {
      target_tokens: { data: tokens.slice(1), shape: [length] },
      weights: { data: new Float32Array(length).fill(1 / length), shape: [length] },
    },
  };
  const adam = { learning_rate: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0, grad_clip_norm: 1 };
  const losses: number[] = [];
  let started = 0;
  for (let step = 0; step <= steps; step++) {
    // The first step compiles.
    if (step === 1) started = performance.now();
    const { metrics } = await engine.forwardBackward('m', {
      data: [datum],
      loss: 'cross_entropy',
      config: {},
      backward: true,
    });
    await engine.optimStep('m', adam);
    losses.push(metrics['loss:sum'] ?? NaN);
  }
  const seconds = (performance.now() - started) / 1000;
  await engine.close();
  const peakMegabytes = process.resourceUsage().maxRSS / 1000;
  return { losses, tokensPerSecond: (steps * length) / seconds, peakMegabytes, runtime: engine.runtime, note };
}

function report(precisions: readonly Precision[]): void {
  const line = (text: string): boolean => process.stdout.write(`${text}\n`);
  const directory = mkdtempSync(path.join(tmpdir(), 'rxtinker-large-'));
  try {
    const parameters = makeCheckpoint(directory);
    line(
      `${(parameters / 1e6).toFixed(0)} million parameters, rank 8, sequences of ${String(length)} tokens (goal: within 4 GB)`,
    );
    for (const precision of precisions) {
      const arguments_ = [fileURLToPath(import.meta.url), 'train', directory, precision];
      const output = execFileSync(process.execPath, arguments_, { encoding: 'utf8' });
      const { losses, tokensPerSecond, peakMegabytes, runtime, note } = JSON.parse(output) as Measure;
      line(`  ${precision} (${runtime}): ${tokensPerSecond.toFixed(0)} tokens/s, peak ${peakMegabytes.toFixed(0)} MB`);
      line(`    loss ${losses.map((loss) => loss.toFixed(3)).join(', ')}${note === '' ? '' : `; ${note}`}`);
      if (!(peakMegabytes < limitMegabytes) || !((losses.at(-1) ?? NaN) < (losses[0] ?? NaN))) process.exitCode = 1;
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const known: readonly Precision[] = ['float32', 'float16', 'int8'];
const [, , first, directory = '', precision] = process.argv;
if (first === 'train') process.stdout.write(JSON.stringify(await train(directory, precision as Precision)));
else report(known.filter((name) => first === undefined || process.argv.includes(name)));
