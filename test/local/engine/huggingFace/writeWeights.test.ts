import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadWeights } from '../../../../src/local/engine/baseModel.js';
import { readBaseModel } from '../../../../src/local/engine/huggingFace/readBaseModel.js';
import { writeWeights } from '../../../../src/local/engine/huggingFace/writeWeights.js';
import { tinyModel } from '../../../../src/local/engine/tinyModel.js';
import { tinyDirectory } from '../../../../src/local/models/index.js';

it('writes what is read again: the same numbers where they are those of float16', () => {
  const directory = mkdtempSync(join(tmpdir(), 'written-weights-'));
  for (const name of ['config.json', 'tokenizer.json']) copyFileSync(join(tinyDirectory, name), join(directory, name));
  const weights = loadWeights(tinyModel());
  writeFileSync(join(directory, 'model.safetensors'), writeWeights(weights));
  const read = loadWeights(readBaseModel('written', directory));
  rmSync(directory, { recursive: true });
  expect(read).toEqual(weights);
});
