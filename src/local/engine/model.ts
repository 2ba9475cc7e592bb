import {
  add,
  cachedAttention,
  gather,
  gradient,
  input,
  logprob,
  logSoftmax,
  matmul,
  mul,
  type Node,
  reshape,
  rmsNorm,
  rope,
  type Shape,
  silu,
  softmax,
  sum,
  transpose,
} from '../../graph/index.js';
import type { DecoderConfig } from './decoderConfig.js';
import type { LoraLayout } from './loraLayout.js';
import { positionMask, type Loss } from './losses.js';
import { layerProjections, type Projection } from './projections.js';
import { recomputeLayers } from './recomputeLayers.js';

/*
 * Shapes: b batch, s sequence, p past (slots of the key-value cache), n positions that have angles, d hidden size, f ffn size, v vocabulary,
 * h heads of keys and values, g query heads per such head, c head size, r LoRA rank.
 * Weights, adapters, angles and masks are inputs by name: switching an adapter is passing other arrays.
 */

/** What every pass over the decoder shares. */
interface Pass {
  readonly config: DecoderConfig;
  /** LoRA matrices by name; empty for the base model alone. */
  readonly adapter: ReadonlyMap<string, Node>;
  readonly loraScale: number;
  /** [n, c / 2]: the angles of positions, of which `positions` [b, s] choose. */
  readonly cos: Node;
  readonly sin: Node;
  readonly positions: Node;
  /** What a position sees: by a mask [s, s] of 0 and very negative numbers, or all before it and what a cache holds. */
  readonly sees: { readonly mask: Node } | { readonly ends: Node };
}

function rotaryInputs({ headDim }: DecoderConfig): Pick<Pass, 'cos' | 'sin' | 'positions'> {
  const angles = ['angles', headDim / 2];
  const positions = input('positions', ['batch', 'sequence'], 'int32');
  return { cos: input('cos', angles), sin: input('sin', angles), positions };
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
 * targets a position these inputs and outputs are there for each column, by {@link columnName}. With `recompute` the
 * backward pass computes the inside of each layer anew, which takes less memory and a third more time.
 */
export function trainingGraph(
  config: DecoderConfig,
  layout: LoraLayout,
  loss: Loss,
  backward: boolean,
  columns = 1,
  recompute = false,
): Readonly<Record<string, Node>> {
  const outputsOf = (targetLogprobs: Node, column: number): { readonly losses: Node } => ({
    losses: loss.elementwise(targetLogprobs, (name) =>
      input(name === positionMask ? name : columnName(name, column), ['batch', 'sequence']),
    ), // [b, s]
  });
  return passGraph(config, layout, backward, outputsOf, columns, recompute);
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
  recompute = false,
): Readonly<Record<string, Node>> {
  const pass: Pass = {
    config,
    ...adapterInputs(layout),
    ...rotaryInputs(config),
    sees: { mask: input('mask', ['sequence', 'sequence']) },
  };
  const { hidden, states } = decoder(pass);
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
  const matrices = [...pass.adapter];
  const total = totals.reduce((sum, part) => add(sum, part));
  const layerOutputs = recompute ? states.slice(1) : [];
  const derivatives = gradient(total, [...matrices.map(([, matrix]) => matrix), ...layerOutputs]);
  matrices.forEach(([name], index) => {
    outputs[gradientName(name)] = derivatives[index] ?? total;
  });
  return recompute ? recomputeLayers(outputs, { states, derivatives: derivatives.slice(matrices.length) }) : outputs;
}

/**
 * The graph of a sampling pass: the tokens follow what the cache holds. Inputs `tokens` [b, s], `ends` [b] (the place of
 * each row's last token), `wanted` [w] (flat indices into b·s) and the cache [b, h, p, c]; outputs `logprobs` [w, v] of
 * the token after each wanted one, and the new keys and values of every layer [b, s, h·c].
 */
export function samplingGraph(config: DecoderConfig, layout: LoraLayout | undefined): Readonly<Record<string, Node>> {
  const pass: Pass = {
    config,
    ...(layout === undefined ? { adapter: new Map(), loraScale: 0 } : adapterInputs(layout)),
    ...rotaryInputs(config),
    sees: { ends: input('ends', ['batch'], 'int32') },
  };
  const { hidden, cache } = decoder(pass);
  const rows = reshape(hidden, ['batch*sequence', config.hiddenSize]);
  return { logprobs: logSoftmax(logits(pass, gather(rows, input('wanted', ['wanted'], 'int32')))), ...cache };
}

/**
 * All layers: tokens to hidden states [b, s, d], what goes into the first layer and comes out of each, and with a cache
 * the new keys and values by output name.
 */
function decoder(pass: Pass): { hidden: Node; states: readonly Node[]; cache: Record<string, Node> } {
  const { config } = pass;
  const cache: Record<string, Node> = {};
  let x: Node = gather(embedding(config), input('tokens', ['batch', 'sequence'], 'int32')); // [b, s, d]
  const states = [x];
  for (let layer = 0; layer < config.layers; layer++) {
    const attended = attention(pass, layer, norm(config, x, normName(layer, 'attention')), cache);
    x = add(x, attended);
    x = add(x, mlp(pass, layer, norm(config, x, normName(layer, 'mlp'))));
    states.push(x);
  }
  return { hidden: norm(config, x, 'finalNorm'), states, cache };
}

/** Causal attention with grouped queries and rotary positions: [b, s, d] to [b, s, d]. */
function attention(pass: Pass, layer: number, x: Node, cache: Record<string, Node>): Node {
  const { config, sees } = pass;
  const [query, keys, values, output] = layerProjections(config, layer).attention;
  const q = turned(pass, layer, 'query', linear(pass, query, x)); // [b, s, h·g·c]
  const k = turned(pass, layer, 'key', linear(pass, keys, x)); // [b, s, h·c]
  const v = linear(pass, values, x); // [b, s, h·c]
  if ('mask' in sees) return linear(pass, output, maskedAttention(config, sees.mask, q, k, v));
  const names = cacheNames(layer);
  cache[names.key] = k;
  cache[names.value] = v;
  const shape: Shape = ['batch', config.kvHeads, 'past', config.headDim];
  const [pastKey, pastValue] = [input(names.pastKey, shape), input(names.pastValue, shape)];
  return linear(pass, output, cachedAttention({ query: q, key: k, value: v, pastKey, pastValue, ends: sees.ends }));
}

/** Heads [b, s, ·c] at their positions, normalized before where the model does that. */
function turned({ config, cos, sin, positions }: Pass, layer: number, part: 'query' | 'key', x: Node): Node {
  const { headDim, heads, kvHeads } = config;
  if (config.queryKeyNorm !== true) return rope(x, cos, sin, positions);
  const apart = reshape(x, ['batch', 'sequence', part === 'query' ? heads : kvHeads, headDim]);
  return rope(reshape(norm(config, apart, normName(layer, part), headDim), x.shape), cos, sin, positions);
}

/** Queries [b, s, h·g·c] on keys and values [b, s, h·c] of the same sequence: [b, s, h·g·c]. */
function maskedAttention({ heads, kvHeads, headDim }: DecoderConfig, mask: Node, q: Node, k: Node, v: Node): Node {
  const split = (x: Node, groups: number): Node =>
    // [b, s, h·g·c] to [b, h, g, s, c]
    transpose(reshape(x, ['batch', 'sequence', kvHeads, groups, headDim]), [0, 2, 3, 1, 4]);
  const scores = matmul(split(q, heads / kvHeads), split(k, 1), { transB: true, alpha: 1 / Math.sqrt(headDim) });
  const mixed = matmul(softmax(add(scores, mask)), split(v, 1)); // [b, h, g, s, c]
  return reshape(transpose(mixed, [0, 3, 1, 2, 4]), ['batch', 'sequence', heads * headDim]);
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
