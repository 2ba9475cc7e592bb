import { from, map, mergeMap, reduce, tap } from 'rxjs';
import { lossTokens } from '../../training/lossTokens.js';
import type { RendererName, TrainOn } from '../../training/renderers/index.js';
import { type Datum, ModelInput } from '../../wire/index.js';
import type { CommandContext } from '../commandContext.js';
import { openSampling } from '../openSampling.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { readDataset } from '../training/readDataset.js';
import { tokenizeFor } from '../training/tokenizeFor.js';

interface EvalOptions extends ServerOptions {
  readonly model: string;
  readonly data: string;
  readonly maxLength: number;
  readonly renderer?: RendererName;
  readonly trainOn: TrainOn;
}

/** Examples under way at once. */
const WIDTH = 16;

/** Measures the loss per token of a checkpoint or a base model on a file of examples. */
export async function run(context: CommandContext, options: EvalOptions): Promise<void> {
  const { model, trainOn, maxLength, renderer } = options;
  const dataset = readDataset(options.data);
  await using service = await openServer(context, options);
  const sampling = await openSampling(context, service, model);
  const settings = {
    ...{ model: sampling.baseModel, train_on: trainOn, max_length: maxLength },
    ...(renderer !== undefined && { renderer }),
  };
  const [data = []] = await tokenizeFor(context, service, settings, [dataset]);
  let done = 0;
  const sum = await context
    .wait(
      from(data).pipe(
        mergeMap((datum) => {
          const { tokens, weights } = asSequence(datum);
          return sampling
            .computeLogprobs(ModelInput.fromTokens(tokens))
            .pipe(map((logprobs) => weights.reduce((nll, weight, at) => nll - weight * (logprobs[at + 1] ?? NaN), 0)));
        }, WIDTH),
        tap(() => {
          done += 1;
          if (!context.quiet) context.live.update(`example ${done}/${data.length}`);
        }),
        reduce((total, nll) => total + nll, 0),
      ),
    )
    .finally(() => {
      context.live.clear();
    });
  const tokens = lossTokens(data);
  const nll = sum / tokens;
  context.print(
    { model, examples: data.length, tokens, nll, perplexity: Math.exp(nll) },
    `${data.length} examples, ${tokens} tokens: loss ${nll.toFixed(4)} per token, perplexity ${Math.exp(nll).toFixed(2)}`,
  );
}

/** All tokens of a datum, and the weight of each after the first. */
function asSequence({ modelInput, lossFnInputs = {} }: Datum): { tokens: Int32Array; weights: readonly number[] } {
  const { targetTokens, weights } = lossFnInputs;
  if (!(targetTokens instanceof Int32Array && weights instanceof Float32Array)) throw new TypeError('No such datum.');
  const tokens = Int32Array.from([...modelInput.tokens(), ...targetTokens.subarray(-1)]);
  return { tokens, weights: Array.from(weights) };
}
