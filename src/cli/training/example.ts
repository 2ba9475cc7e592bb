import * as z from 'zod';
import { TinkerError } from '../../errors.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import type { ChatRenderer, TrainOn } from '../../training/renderers/index.js';
import { type Datum, ModelInput } from '../../wire/index.js';

const messageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.string(),
  thinking: z.string().exactOptional(),
  trainable: z.boolean().exactOptional(),
});

const exampleSchema = z.union([
  z.object({ messages: z.array(messageSchema).min(1) }),
  z.object({ text: z.string().min(1) }),
  z.object({ prompt: z.string().min(1), completion: z.string().min(1) }),
]);

/** One line of a file of training data: a conversation, a text, or a prompt and what is to follow it. */
export type Example = z.output<typeof exampleSchema>;

/** How examples become tokens. */
export interface ExampleOptions {
  readonly tokenizer: Tokenizer;
  /** Made where a conversation needs it. */
  readonly renderer: () => ChatRenderer;
  readonly trainOn: TrainOn;
  /** Most tokens of an example; what is longer is cut off at its end. */
  readonly maxLength: number;
}

/** Reads a value as an example; undefined where it is none. */
export function readExample(value: unknown): Example | undefined {
  const read = exampleSchema.safeParse(value);
  return read.success ? read.data : undefined;
}

/**
 * An example as a datum for `cross_entropy`: trained on are what the assistant says, a whole text, or a completion.
 *
 * @throws TinkerError `invalid_argument` where nothing is left to train on
 */
export function datumOf(example: Example, { tokenizer, renderer, trainOn, maxLength }: ExampleOptions): Datum {
  if ('messages' in example) return renderer().datum(example.messages, { trainOn, maxLength });
  const end = endOfText(tokenizer);
  const prompt = 'prompt' in example ? tokenizer.encode(example.prompt) : [];
  const trained = tokenizer.encode('prompt' in example ? example.completion : example.text);
  const tokens = Int32Array.from([...prompt, ...trained, ...end].slice(0, maxLength));
  const weights = Float32Array.from({ length: tokens.length - 1 }, (_, index) => (index + 1 < prompt.length ? 0 : 1));
  if (!weights.includes(1)) {
    throw new TinkerError(
      'invalid_argument',
      `Expected a token to train on after the first, got none within ${tokens.length} tokens. Raise --max-length.`,
    );
  }
  return {
    modelInput: ModelInput.fromTokens(tokens.subarray(0, -1)),
    lossFnInputs: { targetTokens: tokens.subarray(1), weights },
  };
}

/** Tokens that families of models end a text with. */
const ends = ['<|endoftext|>', '<|end_of_text|>', '<|eos|>', '</s>', '<eos>'];

/** The token that ends a text; none where the vocabulary has none. */
export function endOfText(tokenizer: Tokenizer): readonly number[] {
  return ends.map((name) => tokenizer.encode(name)).find((tokens) => tokens.length === 1) ?? [];
}
