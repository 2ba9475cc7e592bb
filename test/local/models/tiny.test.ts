import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { tinyDirectory, tinyPassages, tinyText, tinyTokenizerFile } from '../../../src/local/models/index.js';
import { loadTokenizer } from '../../../src/tokenizer/index.js';

const json = JSON.parse(readFileSync(tinyTokenizerFile, 'utf8')) as { model: { vocab: Record<string, number> } };
const tokenizer = await firstValueFrom(loadTokenizer(tinyTokenizerFile));

test('the script makes the committed tokenizer, byte for byte', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tiny-tokenizer-'));
  const made = join(directory, 'tokenizer.json');
  execFileSync(process.execPath, [join(tinyDirectory, 'trainTokenizer.mjs'), made]);
  const same = readFileSync(made).equals(readFileSync(tinyTokenizerFile));
  rmSync(directory, { recursive: true });
  expect(same).toBe(true);
});

test('the vocabulary is <|endoftext|>, 256 bytes and what was learned, with the ids 0 to 1023', () => {
  const vocabulary = Object.entries(json.model.vocab).sort(([, a], [, b]) => a - b);
  expect(vocabulary.map(([, id]) => id)).toEqual(Array.from({ length: 1024 }, (_, id) => id));
  expect(vocabulary[0]?.[0]).toBe('<|endoftext|>');
  expect(vocabulary.slice(1, 257).every(([token]) => Array.from(token).length === 1)).toBe(true);
  expect(vocabulary.slice(257).every(([token]) => Array.from(token).length > 1)).toBe(true);
});

test('the text is whole, plain and encoded without loss', () => {
  const text = tinyText();
  expect(text).toMatch(/^CHAPTER I\n/);
  expect(text).toMatch(/the happy summer days\.\n$/);
  expect(text.length).toBeGreaterThan(140_000);
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  expect(text).not.toMatch(/Gutenberg|Fulcrum|licen[cs]e| {2}|\n{3}/i);
  const tokens = tokenizer.encode(text);
  expect(tokens.length).toBeLessThan(text.length / 2.5);
  expect(tokenizer.decode(tokens)).toBe(text);
});

test('the passages are short and new to the model', () => {
  const passages = tinyPassages();
  expect(new Set(passages.map(({ title }) => title)).size).toBe(8);
  for (const { text } of passages) {
    expect(tokenizer.encode(text).length).toBeLessThan(128);
    for (const line of text.split('\n')) expect(tinyText()).not.toContain(line);
  }
});

test('the weights fit into the package and know the language', async () => {
  expect(statSync(join(tinyDirectory, 'model.safetensors')).size).toBeLessThan(4e6);
  const engine = await createInProcessEngine({ threads: 1 });
  const lora = { rank: 1, seed: 1, trainAttention: true, trainMlp: true, trainUnembedding: true };
  await engine.createModel('m', 'rxtinker/tiny', lora);
  // B of a new adapter is zero: this is the loss of the base model.
  const data = tinyPassages().map(({ text }) => {
    const ids = tokenizer.encode(`<|endoftext|>${text}`);
    const [tokens, targets] = [ids.slice(0, -1), ids.slice(1)].map((list) => Int32Array.from(list));
    const shape = [ids.length - 1];
    const weights = { data: new Float32Array(ids.length - 1).fill(1), shape };
    return {
      tokens: tokens ?? new Int32Array(),
      inputs: { target_tokens: { data: targets ?? new Int32Array(), shape }, weights },
    };
  });
  const { metrics } = await engine.forwardBackward('m', { data, loss: 'cross_entropy', config: {}, backward: false });
  // Rhymes it has never seen; a model that knows nothing is at ln 1024 = 6.9 nats a token.
  expect((metrics['loss:sum'] ?? NaN) / (metrics['num_tokens:sum'] ?? NaN)).toBeLessThan(4.6);
  await engine.close();
});
