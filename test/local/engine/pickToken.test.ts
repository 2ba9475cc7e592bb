import { describe, expect, it } from 'vitest';
import { pickToken, type PickOptions } from '../../../src/local/engine/pickToken.js';
import { Random } from '../../../src/local/engine/random.js';

const probabilities = [0.1, 0.4, 0.05, 0.25, 0.2];
const logprobs = Float32Array.from(probabilities, Math.log);
const draws = 20_000;

function frequencies(options: Partial<PickOptions>): number[] {
  const random = new Random(9);
  const counts = new Array<number>(probabilities.length).fill(0);
  for (let i = 0; i < draws; i++) {
    const token = pickToken(logprobs, { temperature: 1, topK: -1, topP: 1, ...options }, random);
    counts[token] = (counts[token] ?? 0) + 1;
  }
  return counts.map((count) => count / draws);
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  const sum = expected.reduce((a, b) => a + b, 0);
  expected.forEach((value, i) => {
    expect(Math.abs((actual[i] ?? NaN) - value / sum)).toBeLessThan(value === 0 ? 1e-12 : 0.015);
  });
}

describe('pickToken', () => {
  it('takes the likeliest at temperature 0, the first of equals', () => {
    expect(pickToken(logprobs, { temperature: 0, topK: -1, topP: 1 }, new Random(1))).toBe(1);
    expect(pickToken(Float32Array.of(-1, 0, 0), { temperature: 0, topK: -1, topP: 1 }, new Random(1))).toBe(1);
  });

  it('draws by probability', () => {
    expectClose(frequencies({}), probabilities);
  });

  it('scales by temperature', () => {
    expectClose(
      frequencies({ temperature: 0.5 }),
      probabilities.map((p) => p ** 2),
    );
    expectClose(
      frequencies({ temperature: 2 }),
      probabilities.map((p) => p ** 0.5),
    );
  });

  it('keeps the topK likeliest', () => {
    expectClose(frequencies({ topK: 2 }), [0, 0.4, 0, 0.25, 0]);
    expectClose(frequencies({ topK: 100 }), probabilities);
  });

  it('keeps the fewest that reach topP', () => {
    expectClose(frequencies({ topP: 0.6 }), [0, 0.4, 0, 0.25, 0]);
    expectClose(frequencies({ topP: 0.7 }), [0, 0.4, 0, 0.25, 0.2]);
    expectClose(frequencies({ topP: 1e-9 }), [0, 1, 0, 0, 0]);
  });

  it('applies topP to what temperature and topK leave', () => {
    expectClose(frequencies({ topK: 3, topP: 0.5 }), [0, 0.4, 0, 0.25, 0]);
    expectClose(frequencies({ temperature: 0.2, topP: 0.85 }), [0, 1, 0, 0, 0]);
  });

  it.each([
    ['topK', { topK: 40, topP: 1 }],
    ['topP of few tokens', { topK: -1, topP: 0.3 }],
    ['topP of nearly all tokens', { topK: -1, topP: 0.999 }],
    ['topP of what topK leaves', { topK: 700, topP: 0.9 }],
  ])('draws from a large vocabulary what a sorted one gives: %s', (_, { topK, topP }) => {
    const random = new Random(2);
    const scores = Float32Array.from({ length: 3000 }, () => Math.round(8 * random.normal()) / 4);
    const order = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    const left = order.slice(0, topK === -1 ? undefined : topK);
    const weight = (token: number): number => Math.exp(scores[token] ?? 0);
    const total = left.reduce((sum, token) => sum + weight(token), 0);
    let mass = 0;
    const end = left.findIndex((token) => (mass += weight(token)) >= topP * total * (1 - 1e-12));
    const allowed = new Set(end === -1 ? left : left.slice(0, end + 1));
    const drawn = Array.from({ length: 200 }, () => pickToken(scores, { temperature: 1, topK, topP }, random));
    expect(drawn.filter((token) => !allowed.has(token))).toEqual([]);
    expect(new Set(drawn).size).toBeGreaterThan(10);
  });
});
