import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { Random } from '../../../src/local/engine/random.js';
import { readSafetensors } from '../../../src/local/engine/safetensors.js';
import { loadTokenizer } from '../../../src/tokenizer/index.js';
import { convertCheckpoint } from './convertCheckpoint.js';
import { convertTokenizer } from './convertTokenizer.js';

/** A tokenizer.bin: the pieces behind three special tokens and 256 bytes, the first with the best score. */
function tokenizerFile(pieces: readonly string[]): Uint8Array {
  const all = [...new Array<string>(3 + 256).fill('?'), ...pieces];
  const entry = (piece: string, score: number): Buffer => {
    const text = Buffer.from(piece);
    const head = Buffer.alloc(8);
    head.writeFloatLE(score, 0);
    head.writeInt32LE(text.length, 4);
    return Buffer.concat([head, text]);
  };
  return Buffer.concat([Buffer.alloc(4), ...all.map((piece, index) => entry(piece, -index))]);
}

it('makes a tokenizer that joins the pair with the best score first', async () => {
  const pieces = ['ab', ' a', 'bc', ' ab', 'abc', ' ', 'a', 'b', 'c'];
  const id = (piece: string): number => 259 + pieces.indexOf(piece);
  const directory = mkdtempSync(join(tmpdir(), 'converted-'));
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify(convertTokenizer(tokenizerFile(pieces))));
  const tokenizer = await firstValueFrom(loadTokenizer(directory));
  rmSync(directory, { recursive: true });
  const encode = (text: string): number[] => [...tokenizer.encode(text)];
  expect(encode('abc')).toEqual([id(' ab'), id('c')]);
  expect(encode('<s>bc a')).toEqual([1, id(' '), id('bc'), id(' a')]);
  expect(encode('é')).toEqual([id(' '), 3 + 0xc3, 3 + 0xa9]);
  expect(tokenizer.decode(encode('abc é a'))).toBe('abc é a');
});

/** The score of two vectors of a head at some positions; `pair` says which two numbers the i-th rotation turns. */
function score(q: number[], k: number[], positions: [number, number], pair: (i: number) => [number, number]): number {
  const turn = (x: number[], position: number): number[] => {
    const out = [...x];
    for (let i = 0; i < x.length / 2; i++) {
      const [a, b] = pair(i);
      const angle = position * 10_000 ** ((-2 * i) / x.length);
      out[a] = (x[a] ?? NaN) * Math.cos(angle) - (x[b] ?? NaN) * Math.sin(angle);
      out[b] = (x[a] ?? NaN) * Math.sin(angle) + (x[b] ?? NaN) * Math.cos(angle);
    }
    return out;
  };
  const [turnedQ, turnedK] = [turn(q, positions[0]), turn(k, positions[1])];
  return turnedQ.reduce((sum, value, i) => sum + value * (turnedK[i] ?? NaN), 0);
}

it('reorders queries and keys so that halves turned together give the scores of neighbours turned together', () => {
  const [d, f, layers, heads, kvHeads, vocabulary, context] = [16, 4, 2, 2, 1, 5, 3];
  const headDim = d / heads;
  const [kv, perLayer] = [kvHeads * headDim, 2 * d + 2 * d * d + 2 * d * kvHeads * headDim + 3 * d * f];
  const count = vocabulary * d + layers * perLayer + d + context * headDim;
  const random = new Random(1);
  const values = Float32Array.from({ length: count }, () => random.normal());
  const header = Int32Array.of(d, f, layers, heads, kvHeads, vocabulary, context);
  const { sizes, weights } = convertCheckpoint(Buffer.concat([Buffer.from(header.buffer), Buffer.from(values.buffer)]));
  expect(sizes).toMatchObject({ hiddenSize: d, ffnSize: f, kvHeads, contextLength: context });
  const { tensors } = readSafetensors(weights);

  // The second layer's own query and key matrices, as the file has them.
  const queries = vocabulary * d + layers * d + d * d;
  const keys = vocabulary * d + layers * (d + d * d) + kv * d;
  const x = Array.from({ length: d }, () => random.normal());
  const product = (matrix: ArrayLike<number>, row: number): number =>
    x.reduce((sum, value, i) => sum + value * (matrix[row * d + i] ?? NaN), 0);
  const head = (matrix: ArrayLike<number>, index: number): number[] =>
    Array.from({ length: headDim }, (_, i) => product(matrix, index * headDim + i));
  const stored = (name: string) => tensors[`model.layers.1.self_attn.${name}.weight`]?.data ?? [];
  for (const index of [0, 1]) {
    const expected = score(head(values.subarray(queries), index), head(values.subarray(keys), 0), [2, 7], (i) => [
      2 * i,
      2 * i + 1,
    ]);
    const got = score(head(stored('q_proj'), index), head(stored('k_proj'), 0), [2, 7], (i) => [i, i + headDim / 2]);
    expect(got).toBeCloseTo(expected, 4);
  }
  expect(() => convertCheckpoint(Buffer.concat([Buffer.from(header.buffer), Buffer.alloc(8)]))).toThrow(/numbers/);
});
