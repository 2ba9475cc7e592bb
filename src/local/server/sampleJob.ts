import type { BaseModelInfo, SampleJob } from '../engine/engine.js';
import { promptTargets } from './codec/promptTargets.js';
import { promptTokens } from './codec/promptTokens.js';
import type { TargetLayout } from './codec/targetLayout.js';
import { refusal } from './refusal.js';
import type { SampleRequest } from './requests/sampleRequest.js';
import type { ServerState } from './serverState.js';

/** A sampling request as the engine wants it. */
export interface PreparedSample {
  readonly job: SampleJob;
  /** Texts that end a sample; the engine wants them with the vocabulary. */
  readonly stopTexts: readonly string[];
  readonly firstPromptLogprob: number;
  readonly targetLayout?: TargetLayout;
}

/** Reads a sampling request. @throws TinkerError with status 400, or of the engine, for what can't be done. */
export function sampleJob(
  body: SampleRequest,
  base: BaseModelInfo,
  { engine, limits, random }: Pick<ServerState, 'engine' | 'limits' | 'random'>,
): PreparedSample {
  if (body.record_stability_info === true) {
    throw refusal(400, 'record_stability_info: This server does not offer it; leave it out.');
  }
  if (body.num_samples > limits.samplesPerCall) {
    throw refusal(400, `num_samples: Expected at most ${limits.samplesPerCall}, got ${body.num_samples}.`);
  }
  const { sampling_params: params, target_prompt_logprobs: wanted } = body;
  const prompt = promptTokens(body.prompt, 'prompt');
  const given = wanted === null || wanted === undefined ? undefined : promptTargets(wanted, prompt.length);
  const { stopTokens, stopTexts } = stopsOf(params.stop, base);
  const job: SampleJob = {
    prompt,
    numSamples: body.num_samples,
    ...(typeof params.max_tokens === 'number' ? { maxTokens: params.max_tokens } : {}),
    temperature: params.temperature,
    topK: params.top_k,
    topP: params.top_p,
    seed: params.seed ?? random.seed(),
    stopTokens,
    promptLogprobs: body.prompt_logprobs ?? false,
    promptTopK: body.topk_prompt_logprobs ?? 0,
    sampleTopK: body.topk_sample_logprobs ?? 0,
    promptDraws: body.prompt_alt_tokens_k ?? 0,
    ...(given !== undefined && { promptTargets: given.targets }),
  };
  engine.checkSample(base.name, job);
  return {
    job,
    stopTexts,
    firstPromptLogprob: firstPromptLogprob(body, prompt.length),
    ...(given !== undefined && { targetLayout: given.layout }),
  };
}

function stopsOf(
  stop: SampleRequest['sampling_params']['stop'],
  base: BaseModelInfo,
): { stopTokens: readonly number[]; stopTexts: readonly string[] } {
  if (stop === null || stop === undefined) return { stopTokens: base.eosTokens, stopTexts: [] };
  const stops: readonly (string | number)[] = typeof stop === 'string' ? [stop] : stop;
  return {
    stopTokens: stops.filter((value) => typeof value === 'number'),
    stopTexts: stops.filter((value) => typeof value === 'string'),
  };
}

/** Positions from which prompt logprobs are given; position 0 never has one. */
function firstPromptLogprob(body: SampleRequest, promptLength: number): number {
  const lastN = body.prompt_logprobs_last_n;
  if (typeof lastN !== 'number') return 1;
  if (body.prompt_logprobs !== true || lastN >= promptLength) {
    throw refusal(
      400,
      `prompt_logprobs_last_n: Expected 1 to ${promptLength - 1} together with prompt_logprobs, got ${lastN}.`,
    );
  }
  return promptLength - lastN;
}
