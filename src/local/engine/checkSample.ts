import { TinkerError } from '../../errors.js';
import type { ModelLimits } from './checkForwardBackward.js';
import type { SampleJob } from './engine.js';

/** Each draw goes over the whole vocabulary. */
const mostDraws = 1024;

/**
 * Checks that a sampling job can be executed.
 *
 * @throws TinkerError `bad_request` that names what was expected and what came.
 */
export function checkSample({ vocabularySize, maxContextLength }: ModelLimits, job: SampleJob): void {
  const { prompt, numSamples, maxTokens, temperature, topK, topP, seed, stopTokens } = job;
  expect(prompt.length > 0, 'at least one token in the prompt', 'an empty prompt');
  expect(prompt.length <= maxContextLength, `at most ${String(maxContextLength)} tokens in the prompt`, prompt.length);
  const inVocabulary = (token: number): boolean => Number.isInteger(token) && token >= 0 && token < vocabularySize;
  const range = `integers from 0 to ${String(vocabularySize - 1)}`;
  const bad = prompt.findIndex((token) => !inVocabulary(token));
  expect(bad === -1, `${range} as tokens of the prompt`, `${String(prompt[bad])} at position ${String(bad)}`);
  const badStop = stopTokens.find((token) => !inVocabulary(token));
  expect(badStop === undefined, `${range} as stop tokens`, badStop);
  expect(isCount(numSamples), 'a positive integer as numSamples', numSamples);
  expect(maxTokens === undefined || isCount(maxTokens), 'a positive integer as maxTokens', maxTokens);
  expect(Number.isFinite(temperature) && temperature >= 0, 'a temperature from 0', temperature);
  expect(topK === -1 || isCount(topK), '−1 or a positive integer as topK', topK);
  expect(topP > 0 && topP <= 1, 'topP above 0 and up to 1', topP);
  expect(seed === undefined || Number.isSafeInteger(seed), 'an integer as seed', seed);
  const { promptTopK = 0, sampleTopK = 0, promptDraws = 0, promptTargets, stopTexts } = job;
  expectUpTo(vocabularySize, 'promptTopK', promptTopK);
  expectUpTo(vocabularySize, 'sampleTopK', sampleTopK);
  expectUpTo(mostDraws, 'promptDraws', promptDraws);
  if (promptTargets !== undefined) {
    const { tokens, starts } = promptTargets;
    expect(starts.length === prompt.length, `targets for ${String(prompt.length - 1)} positions`, starts.length - 1);
    const badTarget = tokens.find((token) => token !== -1 && !inVocabulary(token));
    expect(badTarget === undefined, `−1 or ${range} as tokens to score`, badTarget);
  }
  expect(stopTexts?.texts.every((text) => text.length > 0) ?? true, 'stop texts of at least one byte', 'an empty one');
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function expectUpTo(most: number, name: string, count: number): void {
  expect(count === 0 || (isCount(count) && count <= most), `an integer from 0 to ${String(most)} as ${name}`, count);
}

function expect(holds: boolean, expected: string, got: unknown): void {
  if (!holds) throw new TinkerError('bad_request', `Expected ${expected}, got ${String(got)}.`);
}
