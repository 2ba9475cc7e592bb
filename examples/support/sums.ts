/** Sums to learn: what the examples ask. */
import type { Observable } from 'rxjs';
import { ModelInput, type Tokenizer, type TrainingClient } from 'rxtinker';
import { linearDecay } from 'rxtinker/operators';
import { type Problem, completionDatum, fineTune } from 'rxtinker/training';

const numbers = [1, 2, 3];

export const sums = numbers.flatMap((a) => numbers.map((b) => ({ question: `${a}+${b}=`, answer: a + b })));

/** Ways to answer, by the letter that begins the answer, and how far off each is: one is right. */
const ways = { a: -1, b: 0, c: 1, d: 2 };

/** The reward is 1 for the right number, whatever the way, and 0 for anything else. */
export function problems(tokenizer: Tokenizer): readonly Problem[] {
  return sums.map(({ question, answer }) => ({
    prompt: ModelInput.fromTokens(tokenizer.encode(question)),
    reward: ({ tokens }) => (tokenizer.decode(tokens).slice(1) === `${answer}\n` ? 1 : 0),
  }));
}

/** Fine-tunes on answers to each sum in all four ways. */
export function learnToGuess(training: TrainingClient, tokenizer: Tokenizer): Observable<unknown> {
  const guesses = sums.flatMap(({ question, answer }) =>
    Object.entries(ways).map(([way, off]) =>
      completionDatum(tokenizer.encode(question), tokenizer.encode(`${way}${answer + off}\n`)),
    ),
  );
  const steps = 300;
  return fineTune(training, guesses, {
    batchSize: guesses.length,
    epochs: steps,
    seed: 1,
    adam: linearDecay({ from: 3e-3, to: 1e-3, steps, warmup: 5 }),
  });
}
