import { TinkerError, invalidArgument } from '../../errors.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type Datum, ModelInput } from '../../wire/index.js';
import type { ChatFormat } from './chatFormat.js';
import { type Message, checkMessages } from './message.js';
import { type RendererName, type RendererOptions, chatFormat } from './rendererNames.js';
import { type TrainOn, messagesToTrainOn } from './trainOn.js';

/** A conversation as tokens, with the weight of each in the loss: 1 where it is trained on, else 0. */
export interface RenderedConversation {
  readonly modelInput: ModelInput;
  readonly weights: Float32Array;
}

/** What a sample says. */
export interface ParsedResponse {
  readonly message: Message;
  /** Whether the sample came to its end; false where it was cut off at the most tokens. */
  readonly complete: boolean;
}

/** Options of {@link ChatRenderer.datum}. */
export interface ChatDatumOptions {
  /** Default: `last_assistant_message`. */
  readonly trainOn?: TrainOn;
  /** Most tokens of the conversation; what is longer is cut off at its end. */
  readonly maxLength?: number;
}

/** Turns conversations into tokens as a family of models wants them, and samples into messages; see {@link chatRenderer}. */
export class ChatRenderer {
  /**
   * What ends a sample, for the `stop` of sampling parameters: tokens, or texts where the format has no special tokens.
   */
  readonly stop: readonly number[] | readonly string[];

  /** @internal Made by `chatRenderer`. */
  constructor(
    readonly name: RendererName,
    private readonly tokenizer: Pick<Tokenizer, 'encode' | 'decode'>,
    private readonly format: ChatFormat,
  ) {
    const { stopTokens, stopTexts } = format;
    this.stop = stopTexts ?? stopTokens.map((token) => this.specialToken(token));
  }

  /**
   * The prompt that lets the assistant speak next.
   *
   * @throws TinkerError `invalid_argument` for messages that the format has no form for
   */
  generationPrompt(messages: readonly Message[]): ModelInput {
    const pieces = this.pieces(messages, 'sampling').flatMap(({ header, output, footer }) => [header, output, footer]);
    return ModelInput.fromTokens([...pieces.flat(), ...this.tokenizer.encode(this.format.generationHeader)]);
  }

  /**
   * A conversation to train on. The assistant's messages are tokens as they are sampled after `generationPrompt`, so
   * that one which begins with white space may have others than the text as a whole.
   *
   * @throws TinkerError `invalid_argument` for messages that the format has no form for, or where none is trained on
   */
  conversation(messages: readonly Message[], trainOn: TrainOn = 'last_assistant_message'): RenderedConversation {
    const pieces = this.pieces(messages, 'training');
    const trained = messagesToTrainOn(messages, trainOn);
    const tokens: number[] = [];
    const weights: number[] = [];
    const add = (piece: readonly number[], counts: boolean | undefined): void => {
      for (const token of piece) {
        tokens.push(token);
        weights.push(counts === true ? 1 : 0);
      }
    };
    pieces.forEach(({ header, output, footer }, index) => {
      add(header, trainOn === 'all_tokens');
      add(output, trained[index]);
      add(footer, trainOn === 'all_tokens');
    });
    return { modelInput: ModelInput.fromTokens(tokens), weights: Float32Array.from(weights) };
  }

  /**
   * A conversation as a datum for `cross_entropy`: each token's target is the next one.
   *
   * @throws TinkerError `invalid_argument` as {@link conversation} does, or where `maxLength` leaves nothing to train on
   */
  datum(messages: readonly Message[], options: ChatDatumOptions = {}): Datum {
    const { trainOn, maxLength = Infinity } = options;
    const { modelInput, weights } = this.conversation(messages, trainOn);
    if (!(maxLength >= 2)) throw invalidArgument('maxLength to be ≥ 2', maxLength);
    const tokens = modelInput.tokens().slice(0, Math.min(maxLength, modelInput.length));
    const targetWeights = weights.slice(1, tokens.length);
    if (!targetWeights.includes(1))
      throw invalidArgument(
        'a token to train on',
        `none within the first ${tokens.length} of ${modelInput.length} tokens`,
        'Raise maxLength, or leave the conversation out.',
      );
    return {
      modelInput: ModelInput.fromTokens(tokens.slice(0, -1)),
      lossFnInputs: { targetTokens: tokens.slice(1), weights: targetWeights },
    };
  }

  /** The message that sampled tokens say. */
  parseResponse(tokens: ArrayLike<number>): ParsedResponse {
    const ids = Array.from(tokens);
    const stop: readonly (number | string)[] = this.stop;
    const end = ids.findIndex((token) => stop.includes(token));
    const text = this.tokenizer.decode(end < 0 ? ids : ids.slice(0, end));
    const cut = (this.format.stopTexts ?? []).map((ending) => text.indexOf(ending)).filter((at) => at >= 0);
    return {
      message: this.format.parse(text.slice(0, Math.min(...cut, text.length))),
      complete: end >= 0 || cut.length > 0,
    };
  }

  private pieces(messages: readonly Message[], purpose: 'training' | 'sampling') {
    checkMessages(messages, this.format.roles, this.name);
    return this.format.render(messages, purpose).map(({ header, output, footer = '' }, index) => ({
      ...(messages[index]?.role === 'assistant'
        ? { header: this.tokenizer.encode(header), output: this.tokenizer.encode(output) }
        : this.encodeTogether(header, output)),
      footer: this.tokenizer.encode(footer),
    }));
  }

  /** Encodes as one text, as what is never sampled comes; a token over the border counts as output. */
  private encodeTogether(header: string, output: string) {
    const tokens = this.tokenizer.encode(header + output);
    const alone = this.tokenizer.encode(header);
    const differs = alone.findIndex((token, index) => token !== tokens[index]);
    const border = differs < 0 ? alone.length : differs;
    return { header: tokens.slice(0, border), output: tokens.slice(border) };
  }

  private specialToken(name: string): number {
    const [token, ...rest] = this.tokenizer.encode(name);
    if (token !== undefined && rest.length === 0) return token;
    throw new TinkerError(
      'invalid_argument',
      `Expected a tokenizer with the special token ${name} for the renderer ${this.name}, got one without. ` +
        'Use the renderer role_colon for models without special tokens.',
    );
  }
}

/**
 * Makes the renderer of a family of models.
 *
 * @param tokenizer - Of the model.
 * @throws TinkerError `invalid_argument` for another name, or a tokenizer that lacks the format's special tokens
 * @example
 * ```ts
 * const tokenizer = await training.getTokenizer().result();
 * const renderer = chatRenderer('role_colon', tokenizer);
 * const messages: Message[] = [{ role: 'user', content: 'What is 1 + 1?' }];
 * const datum = renderer.datum([...messages, { role: 'assistant', content: '2' }]);
 * const output = await sampling
 *   .sample({
 *     prompt: renderer.generationPrompt(messages),
 *     samplingParams: { maxTokens: 16, stop: renderer.stop },
 *   })
 *   .result();
 * const replies = output.sequences.map(({ tokens }) => renderer.parseResponse(tokens).message.content);
 * ```
 */
export function chatRenderer(
  name: RendererName,
  tokenizer: Pick<Tokenizer, 'encode' | 'decode'>,
  options: RendererOptions = {},
): ChatRenderer {
  return new ChatRenderer(name, tokenizer, chatFormat(name, options));
}
