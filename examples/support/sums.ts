/** Sums to learn: what the examples ask. */
import type { Observable } from 'rxjs';
import { ModelInput, type Tokenizer, type TrainingClient } from 'rxtinker';
import { linearDecay } from 'rxtinker/operators';
import { type Problem, completionDatum, fineTune } from 'rxtinker/training';

const numbers = [1, 2, 3, 4];

export const sums = numbers.flatMap((a) => numbers.map((b) => ({ question: `${a}+${b}=`, answer: a + b })));

/** The reward is 1 for the right answer and 0 for any other. */
export function problems(tokenizer: Tokenizer): readonly Problem[] {
  return sums.map(({ question, answer }) => ({
    prompt: ModelInput.fromTokens(tokenizer.encode(question)),
    reward: ({ tokens }) => (tokenizer.decode(tokens) === `${answer}\n` ? 1 : 0),
  }));
}

/** Fine-tunes on four answers to each sum: one too low, right, and two too high. */
export function learnToGuess(training: TrainingClient, tokenizer: Tokenizer): Observable<unknown> {
  const guesses = sums.flatMap(({ question, answer }) =>
    [-1, 0, 1, 2].map((off) => completionDatum(tokenizer.encode(question), tokenizer.encode(`${answer + off}\n`))),
  );
  const steps = 200;
  return fineTune(training, guesses, {
    batchSize: 32,
    epochs: steps / 2,
    seed: 1,
    adam: linearDecay({ from: 3e-3, to: 5e-4, steps, warmup: 5 }),
  });
}
