import {
  add,
  div,
  exp,
  gather,
  gradient,
  input,
  logprob,
  logSoftmax,
  matmul,
  max,
  maximum,
  mul,
  type Node,
  reshape,
  rmsNorm,
  rope,
  type Shape,
  silu,
  softmax,
  sub,
  sum,
  transpose,
} from '../../graph/index.js';
import type { DecoderConfig } from './decoderConfig.js';
import type { LoraLayout } from './loraLayout.js';
import { positionMask, type Loss } from './losses.js';
import { layerProjections, type Projection } from './projections.js';

/*
 * Shapes: b batch, s sequence, p past (slots of the key-value cache), d hidden size, f ffn size, v vocabulary,
 * h heads of keys and values, g query heads per such head, c head size, r LoRA rank.
 * Weights, adapters, angles and masks are inputs by name: switching an adapter is passing other arrays.
 */

/** What every pass over the decoder shares. */
interface Pass {
  readonly config: DecoderConfig;
  /** LoRA matrices by name; empty for the base model alone. */
  readonly adapter: ReadonlyMap<string, Node>;
  readonly loraScale: number;
  /** [s, c], or [b, 1, 1, s, c] where every row has positions of its own. */
  readonly cos: Node;
  readonly sin: Node;
  /** [s, s]: 0 where a position sees another, very negative elsewhere. */
  readonly mask: Node;
  /** [b, 1, 1, 1, p]: 0 at slots in use, very negative elsewhere; missing without a cache. */
  readonly pastMask?: Node;
}

/** Names of the inputs and outputs that hold a layer's keys and values. */
export function cacheNames(layer: number): { pastKey: string; pastValue: string; key: string; value: string } {
  const name = (part: string): string => `layers.${String(layer)}.${part}`;
  return { pastKey: name('pastKey'), pastValue: name('pastValue'), key: name('newKey'), value: name('newValue') };
}

/** The output that holds the gradient by a matrix of the adapter. */
export function gradientName(matrix: string): string {
  return `gradient.${matrix}`;
}

/** An input or output of a column of targets: the first has the name alone. */
export function columnName(name: string, column: number): string {
  return column === 0 ? name : `${name}.${String(column)}`;
}

/** Names and shapes of the frozen weights. */
export function weightShapes(config: DecoderConfig): Readonly<Record<string, readonly number[]>> {
  const { hiddenSize: d, vocabularySize: v } = config;
  const shapes: Record<string, readonly number[]> = { embedding: [v, d], finalNorm: [d] };
  if (!config.tiedEmbeddings) shapes.unembedding = [v, d];
  for (let layer = 0; layer < config.layers; layer++) {
    const { attention, mlp } = layerProjections(config, layer);
    for (const { name, inputs, outputs, bias } of [...attention, ...mlp]) {
      shapes[name] = [inputs, outputs];
      if (bias) shapes[biasName(name)] = [outputs];
    }
    if (config.queryKeyNorm === true)
      for (const part of ['query', 'key'] as const) shapes[normName(layer, part)] = [config.headDim];
    shapes[normName(layer, 'attention')] = [d];
    shapes[normName(layer, 'mlp')] = [d];
  }
  return shapes;
}

/**
 * The graph of a training pass: inputs `tokens`, `targets` and the loss's own [b, s]; outputs `targetLogprobs`
 * and `losses` [b, s], and if `backward` the gradient of the loss's sum by every matrix of the adapter. With several
 * targets a position these inputs and outputs are there for each column, by {@link columnName}.
 */
export function trainingGraph(
  config: DecoderConfig,
  layout: LoraLayout,
  loss: Loss,
  backward: boolean,
  columns = 1,
): Readonly<Record<string, Node>> {
  const outputsOf = (targetLogprobs: Node, column: number): { readonly losses: Node } => ({
    losses: loss.elementwise(targetLogprobs, (name) =>
      input(name === positionMask ? name : columnName(name, column), ['batch', 'sequence']),
    ), // [b, s]
  });
  return passGraph(config, layout, backward, outputsOf, columns);
}

/**
 * As {@link trainingGraph}, for any losses of the targets' logprobs [b, s]: their sum is what is differentiated, and
 * what comes with them is computed too.
 */
export function passGraph(
  config: DecoderConfig,
  layout: LoraLayout,
  backward: boolean,
  outputsOf: (targetLogprobs: Node, column: number) => { readonly losses: Node } & Readonly<Record<string, Node>>,
  columns = 1,
): Readonly<Record<string, Node>> {
  const pass: Pass = {
    config,
    ...adapterInputs(layout),
    cos: input('cos', ['sequence', config.headDim]),
    sin: input('sin', ['sequence', config.headDim]),
    mask: input('mask', ['sequence', 'sequence']),
  };
  const { hidden } = decoder(pass);
  const scores = logits(pass, hidden);
  const outputs: Record<string, Node> = {};
  const totals = Array.from({ length: columns }, (_, column): Node => {
    const targets = input(columnName('targets', column), ['batch', 'sequence'], 'int32');
    const targetLogprobs = logprob(scores, targets); // [b, s]
    const computed = outputsOf(targetLogprobs, column);
    for (const [name, node] of Object.entries({ targetLogprobs, ...computed }))
      outputs[columnName(name, column)] = node;
    return sum(computed.losses);
  });
  if (!backward) return outputs;
  const names = [...pass.adapter.keys()];
  gradient(
    totals.reduce((total, part) => add(total, part)),
    [...pass.adapter.values()],
  ).forEach((derivative, index) => {
    outputs[gradientName(names[index] ?? '')] = derivative;
  });
  return outputs;
}

/**
 * The graph of a sampling pass: the tokens follow what the cache holds. Inputs `tokens` [b, s], `wanted` [n] (flat
 * indices into b·s) and the cache; outputs `logprobs` [n, v] of the token after each wanted one, and the new keys and
 * values of every layer [b, h, 1, s, c].
 */
export function samplingGraph(config: DecoderConfig, layout: LoraLayout | undefined): Readonly<Record<string, Node>> {
  const angles = ['batch', 1, 1, 'sequence', config.headDim];
  const pass: Pass = {
    config,
    ...(layout === undefined ? { adapter: new Map(), loraScale: 0 } : adapterInputs(layout)),
    cos: input('cos', angles),
    sin: input('sin', angles),
    mask: input('mask', ['sequence', 'sequence']),
    pastMask: input('pastMask', ['batch', 1, 1, 1, 'past']),
  };
  const { hidden, cache } = decoder(pass);
  const rows = reshape(hidden, ['batch*sequence', config.hiddenSize]);
  return { logprobs: logSoftmax(logits(pass, gather(rows, input('wanted', ['wanted'], 'int32')))), ...cache };
}

/** All layers: tokens to hidden states [b, s, d], and with a cache the new keys and values by output name. */
function decoder(pass: Pass): { hidden: Node; cache: Record<string, Node> } {
  const { config } = pass;
  const cache: Record<string, Node> = {};
  let x: Node = gather(embedding(config), input('tokens', ['batch', 'sequence'], 'int32')); // [b, s, d]
  for (let layer = 0; layer < config.layers; layer++) {
    const attended = attention(pass, layer, norm(config, x, normName(layer, 'attention')), cache);
    x = add(x, attended);
    x = add(x, mlp(pass, layer, norm(config, x, normName(layer, 'mlp'))));
  }
  return { hidden: norm(config, x, 'finalNorm'), cache };
}

/** Causal attention with grouped queries and rotary positions: [b, s, d] to [b, s, d]. */
function attention(pass: Pass, layer: number, x: Node, cache: Record<string, Node>): Node {
  const { config, cos, sin, mask, pastMask } = pass;
  const { heads, kvHeads, headDim } = config;
  const [query, keys, values, output] = layerProjections(config, layer).attention;
  const split = (projection: Projection | undefined, groups: number): Node =>
    // [b, s, h·g·c] to [b, h, g, s, c]
    transpose(reshape(linear(pass, projection, x), ['batch', 'sequence', kvHeads, groups, headDim]), [0, 2, 3, 1, 4]);
  const turn = (x: Node, part: 'query' | 'key'): Node =>
    rope(config.queryKeyNorm === true ? norm(config, x, normName(layer, part), headDim) : x, cos, sin);
  const q = turn(split(query, heads / kvHeads), 'query'); // [b, h, g, s, c]
  const k = turn(split(keys, 1), 'key'); // [b, h, 1, s, c]
  const v = split(values, 1); // [b, h, 1, s, c]
  const score = (key: Node): Node => matmul(q, key, { transB: true, alpha: 1 / Math.sqrt(headDim) });
  const scores = add(score(k), mask); // [b, h, g, s, s]
  let mixed: Node; // [b, h, g, s, c]
  if (pastMask === undefined) {
    mixed = matmul(softmax(scores), v);
  } else {
    const names = cacheNames(layer);
    const shape: Shape = ['batch', kvHeads, 1, 'past', headDim];
    const pastScores = add(score(input(names.pastKey, shape)), pastMask); // [b, h, g, s, p]
    mixed = softmaxOfTwo([pastScores, scores], [input(names.pastValue, shape), v]);
    cache[names.key] = k;
    cache[names.value] = v;
  }
  const joined = reshape(transpose(mixed, [0, 3, 1, 2, 4]), ['batch', 'sequence', heads * headDim]);
  return linear(pass, output, joined);
}

/** One softmax over two blocks of scores, applied to their values, without joining the blocks. */
function softmaxOfTwo(scores: readonly [Node, Node], values: readonly [Node, Node]): Node {
  const top = maximum(max(scores[0], -1, true), max(scores[1], -1, true));
  const [a, b] = [exp(sub(scores[0], top)), exp(sub(scores[1], top))];
  const total = add(sum(a, -1, true), sum(b, -1, true));
  return div(add(matmul(a, values[0]), matmul(b, values[1])), total);
}

/** SwiGLU: [b, s, d] to [b, s, d]. */
function mlp(pass: Pass, layer: number, x: Node): Node {
  const [gate, up, down] = layerProjections(pass.config, layer).mlp;
  return linear(pass, down, mul(silu(linear(pass, gate, x)), linear(pass, up, x))); // [b, s, f] inside
}

/** x·W + bias + scale · x·Aᵀ·B. */
function linear(pass: Pass, projection: Projection | undefined, x: Node): Node {
  if (projection === undefined) throw new RangeError('A layer has four projections of attention and three of the MLP.');
  const { name, inputs, outputs, bias } = projection;
  const product = matmul(x, input(name, [inputs, outputs]));
  return withLora(pass, name, x, bias ? add(product, input(biasName(name), [outputs])) : product);
}

/** Logits of the next token: [..., d] to [..., v]. */
function logits(pass: Pass, hidden: Node): Node {
  const { config } = pass;
  const table = config.tiedEmbeddings
    ? embedding(config)
    : input('unembedding', [config.vocabularySize, config.hiddenSize]);
  return withLora(pass, 'unembedding', hidden, matmul(hidden, table, { transB: true }));
}

function withLora(pass: Pass, name: string, x: Node, y: Node): Node {
  const [a, b] = [pass.adapter.get(`${name}.loraA`), pass.adapter.get(`${name}.loraB`)];
  return a === undefined || b === undefined
    ? y
    : add(y, matmul(matmul(x, a, { transB: true, alpha: pass.loraScale }), b));
}

function norm(config: DecoderConfig, x: Node, name: string, size = config.hiddenSize): Node {
  return mul(rmsNorm(x, config.normEps), input(name, [size]));
}

function normName(layer: number, part: 'attention' | 'mlp' | 'query' | 'key'): string {
  return `layers.${String(layer)}.${part}Norm`;
}

function biasName(projection: string): string {
  return `${projection}.bias`;
}

function embedding(config: DecoderConfig): Node {
  return input('embedding', [config.vocabularySize, config.hiddenSize]);
}

function adapterInputs(layout: LoraLayout): { adapter: ReadonlyMap<string, Node>; loraScale: number } {
  const adapter = new Map(layout.matrices.map(({ name, shape }) => [name, input(name, shape)]));
  return { adapter, loraScale: layout.scale };
}
