/**
 * The engine's training step, alone and through the whole server, and greedy decoding beside the bare matrix products of the same step, at one and two
 * threads, each in a process of its own; beside them the same step on onnxruntime-web, on fewer tokens in tfjs (one
 * thread of JavaScript), and, where RXTINKER_BENCH_PYTHON names a Python that has them (see ../parity/README.md), in
 * PyTorch with PEFT.
 * Usage: npm run bench:engine. Only ratios of one run on an idle machine count.
 * `node dist/test/bench/engine.js trainingStep 8 webgpu` gives one measure (`decoding` is the other) on a GPU.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { add, input, matmul, slice, sum, topologicalOrder, type Node } from '../../src/graph/index.js';
import { isOperation } from '../../src/graph/index.js';
import { ModelInput, ServiceClient } from '../../src/index.js';
import type { BaseModel } from '../../src/local/engine/baseModel.js';
import type { EngineDatum, LoraShape } from '../../src/local/engine/engine.js';
import { loadRuntime } from '../../src/local/engine/loadRuntime.js';
import { loraLayout } from '../../src/local/engine/loraLayout.js';
import { findLoss } from '../../src/local/engine/checkForwardBackward.js';
import { trainingGraph } from '../../src/local/engine/model.js';
import { Random } from '../../src/local/engine/random.js';
import type { Device, RuntimeName, Tensors } from '../../src/local/engine/runtime.js';
import { createWorkerEngine } from '../../src/local/engine/workerEngine.js';
import { createServer } from '../../src/local/server/createServer.js';
import { listen } from '../../src/local/server/http.js';
import { memoryStorage } from '../../src/local/server/memoryStorage.js';
import { tfjsStep } from './tfjsStep.js';

const rows = 8;
const length = 128;
const steps = 15;
const rounds = 2;
const tfjsTokens = 64;

const model: BaseModel = {
  name: 'bench',
  config: {
    vocabularySize: 512,
    hiddenSize: 256,
    layers: 4,
    heads: 4,
    kvHeads: 4,
    headDim: 64,
    ffnSize: 688,
    ropeTheta: 10_000,
    normEps: 1e-5,
    tiedEmbeddings: true,
    contextLength: 256,
  },
  weights: { kind: 'random', seed: 1 },
  eosTokens: [0],
  tokenizerFile: '',
};

const lora: LoraShape = { rank: 8, seed: 2, trainAttention: true, trainMlp: true, trainUnembedding: false };
const adam = { learning_rate: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 };

/** A device that is asked for by hand. */
const [, , , , device] = process.argv;
const onDevice = device === undefined ? {} : { device: device as Device };

interface Measure {
  readonly milliseconds: number;
  readonly peakMegabytes: number;
  readonly note: string;
}

function peakMegabytes(): number {
  return process.resourceUsage().maxRSS / 1000;
}

async function median(run: () => Promise<unknown>, count = steps): Promise<number> {
  for (let i = 0; i < 3; i++) await run();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(count / 2)] ?? NaN;
}

/** forwardBackward and optimStep through the worker: the whole of what a training step costs. */
async function trainingStep(threads: number, runtime: RuntimeName = 'auto'): Promise<Measure> {
  const engine = await createWorkerEngine({ threads, runtime, baseModels: [model], ...onDevice });
  await engine.createModel('m', model.name, lora);
  const random = new Random(3);
  const tokens = (): Int32Array => Int32Array.from({ length }, () => random.uint32() % model.config.vocabularySize);
  const data = Array.from({ length: rows }, (): EngineDatum => {
    const weights = new Float32Array(length).fill(1);
    return {
      tokens: tokens(),
      inputs: { target_tokens: { data: tokens(), shape: [length] }, weights: { data: weights, shape: [length] } },
    };
  });
  const milliseconds = await median(async () => {
    await engine.forwardBackward('m', { data, loss: 'cross_entropy', config: {}, backward: true });
    await engine.optimStep('m', adam);
  });
  await engine.close();
  return { milliseconds, peakMegabytes: peakMegabytes(), note: engine.runtime };
}

/** The same step from a client, over HTTP, through the server and its worker. */
async function wholeServer(threads: number): Promise<Measure> {
  const engine = await createWorkerEngine({ threads, baseModels: [model] });
  const server = await createServer({ engine, storage: memoryStorage() });
  const listening = await listen(server, { keepAlive: false });
  const service = new ServiceClient({ baseUrl: listening.url });
  const { rank, seed, trainAttention: trainAttn, trainMlp, trainUnembedding: trainUnembed } = lora;
  const options = { baseModel: model.name, rank, seed, trainAttn, trainMlp, trainUnembed };
  const training = await service.createLoraTrainingClient(options).result();
  const random = new Random(3);
  const tokens = (): Int32Array => Int32Array.from({ length }, () => random.uint32() % model.config.vocabularySize);
  const data = Array.from({ length: rows }, () => ({
    modelInput: ModelInput.fromTokens(tokens()),
    lossFnInputs: { target_tokens: tokens(), weights: new Float32Array(length).fill(1) },
  }));
  const milliseconds = await median(async () => {
    const pass = training.forwardBackward(data, 'cross_entropy').result();
    await Promise.all([pass, training.optimStep({ learningRate: adam.learning_rate }).result()]);
  });
  await service.close();
  await server.close();
  await listening.close();
  await engine.close();
  return { milliseconds, peakMegabytes: peakMegabytes(), note: 'client, HTTP, server, worker' };
}

/** Greedy decoding of 8 × 64 tokens after a prompt of 16. */
async function decoding(threads: number): Promise<Measure> {
  const engine = await createWorkerEngine({ threads, baseModels: [model], ...onDevice });
  await engine.createSampler('s', { baseModel: model.name });
  const job = { numSamples: rows, maxTokens: 64, temperature: 0, topK: -1, topP: 1, seed: 1, stopTokens: [] };
  const prompt = Int32Array.from({ length: 16 }, (_, i) => i);
  const milliseconds = await median(() => engine.sample('s', { ...job, prompt, promptLogprobs: false }));
  await engine.close();
  return { milliseconds, peakMegabytes: peakMegabytes(), note: '8 × 64 tokens' };
}

/** Every matrix product of the step's graph, each on its own right operand, one number of each result kept. */
async function bareProducts(threads: number): Promise<Measure> {
  const graph = trainingGraph(model.config, loraLayout(model.config, lora), findLoss('cross_entropy'), true);
  const random = new Random(4);
  const feeds: Record<string, Tensors[string]> = {};
  const operand = (name: string, of: Node): Node => {
    const sizes = of.shape.map((size) => (typeof size === 'number' ? size : (known[size] ?? NaN)));
    const data = new Float32Array(sizes.reduce((product, size) => product * size, 1)).map(() => random.uniform());
    feeds[name] ??= { data, shape: sizes };
    return input(name, sizes);
  };
  const known: Readonly<Record<string, number>> = { batch: rows, sequence: length, 'batch*sequence': rows * length };
  let total: Node = sum(input('start', [1]));
  let operations = 0;
  feeds.start = { data: new Float32Array(1), shape: [1] };
  topologicalOrder(Object.values(graph)).forEach((node, index) => {
    if (!isOperation(node, 'matmul')) return;
    const [a, b] = node.inputs;
    const left = operand(`a ${a.shape.join()}`, a);
    const product = matmul(left, operand(`b ${String(index)}`, b), node.attributes);
    const inner = left.shape.at(node.attributes.transA ? -2 : -1);
    operations += 2 * product.shape.reduce<number>((count, size) => count * Number(size), Number(inner));
    const corner = product.shape.reduce<Node>((rest, _, axis) => slice(rest, axis, 0, 1), product);
    total = add(total, sum(corner));
  });
  const runtime = await loadRuntime('onnxruntime-node', threads);
  const program = await runtime.compile({ total });
  const milliseconds = await median(() => program.run(feeds));
  return { milliseconds, peakMegabytes: peakMegabytes(), note: `${(operations / 1e9).toFixed(1)} GFLOP` };
}

/** The same step, compiled to WebAssembly. */
async function webStep(threads: number): Promise<Measure> {
  return trainingStep(threads, 'onnxruntime-web');
}

/** A sequence of tfjs's own length: at the whole shape a step takes it minutes. */
async function inTfjs(): Promise<Measure> {
  const milliseconds = await median(await tfjsStep(tfjsTokens), 3);
  return { milliseconds, peakMegabytes: peakMegabytes(), note: `${String(tfjsTokens)} tokens` };
}

const measures = { trainingStep, webStep, inTfjs, wholeServer, decoding, bareProducts } as const;
type MeasureName = keyof typeof measures;

function inChild(name: MeasureName, threads: number): Measure {
  const arguments_ = [fileURLToPath(import.meta.url), name, String(threads)];
  return JSON.parse(execFileSync(process.execPath, arguments_, { encoding: 'utf8' })) as Measure;
}

function best(results: readonly Measure[]): Measure {
  return results.reduce((a, b) => (b.milliseconds < a.milliseconds ? b : a));
}

/** What PyTorch with PEFT needs for the step; undefined where they are not installed. */
function inPython(threads: number): Measure | undefined {
  const python = process.env.RXTINKER_BENCH_PYTHON;
  if (python === undefined) return undefined;
  // The script lies among the sources, this program is compiled.
  const script = fileURLToPath(new URL('../../../test/bench/peftStep.py', import.meta.url));
  return JSON.parse(execFileSync(python, [script, String(threads)], { encoding: 'utf8' })) as Measure;
}

/** Every measure in turn, round by round, so that what else the machine does meets all of them. */
function measureAll(threads: number): { own: Record<MeasureName, Measure>; peft: Measure | undefined } {
  const names = Object.keys(measures) as MeasureName[];
  const all = Array.from({ length: rounds }, () => ({
    own: Object.fromEntries(names.map((name) => [name, inChild(name, threads)])) as Record<MeasureName, Measure>,
    peft: inPython(threads),
  }));
  const own = Object.fromEntries(names.map((name) => [name, best(all.map((round) => round.own[name]))]));
  const python = all.flatMap(({ peft }) => (peft === undefined ? [] : [peft]));
  return { own: own as Record<MeasureName, Measure>, peft: python.length === 0 ? undefined : best(python) };
}

function report(): void {
  const line = (text: string): boolean => process.stdout.write(`${text}\n`);
  for (const threads of [2, 1]) {
    const { own, peft } = measureAll(threads);
    const {
      trainingStep: step,
      wholeServer: server,
      bareProducts: products,
      decoding: decode,
      webStep: web,
      inTfjs: tfjs,
    } = own;
    const perSecond = (tokens: number, { milliseconds }: Measure): string =>
      `${((tokens / milliseconds) * 1000).toFixed(0)} tokens/s`;
    line(`${String(threads)} thread(s), ${step.note}`);
    line(
      `  training step   ${step.milliseconds.toFixed(0)} ms, ${perSecond(rows * length, step)}, peak ${step.peakMegabytes.toFixed(0)} MB`,
    );
    line(
      `  whole server    ${server.milliseconds.toFixed(0)} ms, ${perSecond(rows * length, server)} (${server.note}); engine / server ${(step.milliseconds / server.milliseconds).toFixed(2)} (goal 0.9)`,
    );
    line(
      `  bare products   ${products.milliseconds.toFixed(0)} ms (${products.note}); products / step ${(products.milliseconds / step.milliseconds).toFixed(2)} (goal 0.8)`,
    );
    line(
      `  greedy decoding ${decode.milliseconds.toFixed(0)} ms, ${perSecond(rows * 64, decode)} (${decode.note}; goal on two idle cores: 4230), peak ${decode.peakMegabytes.toFixed(0)} MB`,
    );
    line(
      `  onnxruntime-web ${web.milliseconds.toFixed(0)} ms, ${perSecond(rows * length, web)}; web / step ${(web.milliseconds / step.milliseconds).toFixed(2)}`,
    );
    const slower = (tfjs.milliseconds / tfjsTokens / step.milliseconds) * rows * length;
    line(
      `  tfjs, cpu       ${tfjs.milliseconds.toFixed(0)} ms, ${perSecond(tfjsTokens, tfjs)} (${tfjs.note}); a token's tfjs / step ${slower.toFixed(0)}`,
    );
    line(
      peft === undefined
        ? '  PyTorch + PEFT  SKIP: RXTINKER_BENCH_PYTHON names no Python that has them (see test/parity/README.md)'
        : `  PyTorch + PEFT  ${peft.milliseconds.toFixed(0)} ms, ${perSecond(rows * length, peft)}, peak ${peft.peakMegabytes.toFixed(0)} MB (${peft.note}); theirs / step ${(peft.milliseconds / step.milliseconds).toFixed(2)} (goal 2), memory step / theirs ${(step.peakMegabytes / peft.peakMegabytes).toFixed(2)} (goal 0.5)`,
    );
  }
}

const [, , name, threads] = process.argv;
if (name === undefined) report();
else process.stdout.write(JSON.stringify(await measures[name as MeasureName](Number(threads))));
