import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Engine, SampleJob, StopTexts } from '../../../src/local/engine/engine.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { likeliestTokens } from '../../../src/local/engine/likeliestTokens.js';
import { StopTextMatcher } from '../../../src/local/engine/stopTextMatcher.js';
import { smallModel } from './engineFixtures.js';

const { vocabularySize: vocabulary } = smallModel.config;

const job: SampleJob = {
  prompt: Int32Array.of(3, 1, 4, 1, 5),
  numSamples: 2,
  maxTokens: 6,
  temperature: 1,
  topK: -1,
  topP: 1,
  seed: 4,
  stopTokens: [],
  promptLogprobs: true,
};

async function sampling(): Promise<Engine> {
  const engine = await createInProcessEngine({ baseModels: [smallModel], threads: 1 });
  await engine.createSampler('s', { baseModel: smallModel.name });
  return engine;
}

/** Stop texts over a vocabulary whose tokens add these texts. */
function stopAt(texts: readonly string[], tokens: readonly string[]): StopTexts {
  const encoder = new TextEncoder();
  const parts = tokens.map((token) => encoder.encode(token));
  const starts = [0];
  for (const part of parts) starts.push((starts.at(-1) ?? 0) + part.length);
  return {
    texts: texts.map((text) => encoder.encode(text)),
    vocabulary: { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), starts: Int32Array.from(starts) },
  };
}

describe('what a sample tells beside its tokens', () => {
  it('gives the likeliest tokens of each position, among them the one that is there with its logprob', async () => {
    const engine = await sampling();
    const whole = await engine.sample('s', { ...job, promptTopK: vocabulary, sampleTopK: vocabulary });
    const { promptTop, promptLogprobs } = whole;
    expect(promptTop?.tokens).toHaveLength((job.prompt.length - 1) * vocabulary);
    for (let position = 1; position < job.prompt.length; position++) {
      const start = (position - 1) * vocabulary;
      const tokens = promptTop?.tokens.subarray(start, start + vocabulary) ?? new Int32Array();
      const logprobs = promptTop?.logprobs.subarray(start, start + vocabulary) ?? new Float32Array();
      expect(logprobs[tokens.indexOf(job.prompt[position] ?? -1)]).toBe(promptLogprobs?.[position - 1]);
      expect([...logprobs].reduce((sum, logprob) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 5);
      expect([...logprobs]).toEqual([...logprobs].sort((a, b) => b - a));
    }
    for (const { tokens, logprobs, top } of whole.sequences) {
      tokens.forEach((token, at) => {
        const row = top?.tokens.subarray(at * vocabulary, (at + 1) * vocabulary) ?? new Int32Array();
        expect(top?.logprobs[at * vocabulary + row.indexOf(token)]).toBe(logprobs[at]);
      });
    }
    const two = await engine.sample('s', { ...job, promptTopK: 2 });
    expect([...(two.promptTop?.tokens.subarray(0, 2) ?? [])]).toEqual([...(promptTop?.tokens.subarray(0, 2) ?? [])]);
  });

  it('scores the targets of each position, and nothing where there is none', async () => {
    const engine = await sampling();
    const [next = 0, after = 0] = job.prompt.subarray(1);
    const promptTargets = { tokens: Int32Array.of(next, -1, after), starts: Int32Array.of(0, 2, 3, 3, 3) };
    const result = await engine.sample('s', { ...job, promptTargets });
    const [first, second] = result.promptLogprobs ?? [];
    expect(result.promptTargets).toEqual(Float32Array.of(first ?? NaN, 0, second ?? NaN));
  });

  it('draws alternatives for prompt tokens by their probability, the same from the same seed', async () => {
    const engine = await sampling();
    const draws = 1000;
    const asked = { ...job, promptDraws: draws, promptTopK: vocabulary };
    const { promptDraws, promptTop, sequences } = await engine.sample('s', asked);
    for (let token = 0; token < vocabulary; token++) {
      const row = promptDraws?.tokens.subarray(0, draws) ?? new Int32Array();
      const share = row.filter((drawn) => drawn === token).length / draws;
      const place = promptTop?.tokens.subarray(0, vocabulary).indexOf(token) ?? 0;
      expect(Math.abs(share - Math.exp(promptTop?.logprobs[place] ?? 0))).toBeLessThan(0.06);
    }
    const again = await engine.sample('s', asked);
    expect(again.promptDraws).toEqual(promptDraws);
    expect(again.sequences).toEqual(sequences);
    const greedy = await engine.sample('s', { ...asked, temperature: 0, promptDraws: 1, promptTopK: 1 });
    expect(greedy.promptDraws?.tokens).toEqual(greedy.promptTop?.tokens);
  });

  it('ends a sample with the token that completes a stop text', async () => {
    const engine = await sampling();
    const letters = Array.from({ length: vocabulary }, (_, token) => String.fromCharCode(97 + token));
    const { sequences } = await engine.sample('s', { ...job, numSamples: 1 });
    const text = [...(sequences[0]?.tokens ?? [])].map((token) => letters[token]).join('');
    const stopTexts = stopAt([text.slice(2, 4), 'zz'], letters);
    const stopped = await engine.sample('s', { ...job, numSamples: 1, stopTexts });
    const end = text.indexOf(text.slice(2, 4)) + 2;
    expect(stopped.sequences[0]?.tokens).toEqual(sequences[0]?.tokens.subarray(0, end));
    expect(stopped.sequences[0]?.stopReason).toBe('stop');
  });

  it.each([
    ['promptTopK', { promptTopK: vocabulary + 1 }],
    ['sampleTopK', { sampleTopK: -1 }],
    ['promptDraws', { promptDraws: 1.5 }],
    ['promptDraws', { promptDraws: 1025 }],
    ['targets for 4 positions', { promptTargets: { tokens: Int32Array.of(1), starts: Int32Array.of(0, 1) } }],
    ['tokens to score', { promptTargets: { tokens: Int32Array.of(vocabulary), starts: Int32Array.of(0, 1, 1, 1, 1) } }],
    ['stop texts of at least one byte', { stopTexts: stopAt([''], ['a']) }],
  ])('refuses %s that it has not', async (message, options) => {
    const engine = await sampling();
    await expect(engine.sample('s', { ...job, ...options })).rejects.toThrow(message);
  });
});

describe('likeliestTokens', () => {
  it('is the start of a stable sort', () => {
    const distribution = fc.array(fc.integer({ min: -5, max: 0 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(distribution, fc.integer({ min: 1, max: 20 }), (logprobs, count) => {
        const sorted = [...logprobs.keys()].sort((a, b) => (logprobs[b] ?? 0) - (logprobs[a] ?? 0) || a - b);
        expect(likeliestTokens(Float32Array.from(logprobs), count)).toEqual(sorted.slice(0, count));
      }),
    );
  });
});

describe('StopTextMatcher', () => {
  it('finds a text as soon as it is complete, however it is cut into tokens', () => {
    const parts = fc.array(fc.constantFrom('a', 'b', 'ab', 'aab', ''), { minLength: 1, maxLength: 12 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(parts, stops, (tokens, texts) => {
        const matcher = new StopTextMatcher(stopAt(texts, tokens));
        let text = '';
        for (const [token, part] of tokens.entries()) {
          text += part;
          const ends = texts.some((stop) => text.includes(stop));
          expect(matcher.add(token)).toBe(ends);
          if (ends) break;
        }
      }),
    );
  });
});
