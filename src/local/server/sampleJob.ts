import type { BaseModelInfo, SampleJob } from '../engine/engine.js';
import { promptTokens } from './codec/promptTokens.js';
import { refusal } from './refusal.js';
import type { SampleRequest } from './requests/sampleRequest.js';
import type { ServerState } from './serverState.js';

/** A sampling request as the engine wants it. @throws TinkerError with status 400, or of the engine, for what can't be done. */
export function sampleJob(
  body: SampleRequest,
  base: BaseModelInfo,
  { engine, limits, random }: Pick<ServerState, 'engine' | 'limits' | 'random'>,
): { job: SampleJob; firstPromptLogprob: number } {
  checkSupported(body);
  if (body.num_samples > limits.samplesPerCall) {
    throw refusal(400, `num_samples: Expected at most ${limits.samplesPerCall}, got ${body.num_samples}.`);
  }
  const { sampling_params: params } = body;
  const prompt = promptTokens(body.prompt, 'prompt');
  const job: SampleJob = {
    prompt,
    numSamples: body.num_samples,
    ...(typeof params.max_tokens === 'number' ? { maxTokens: params.max_tokens } : {}),
    temperature: params.temperature,
    topK: params.top_k,
    topP: params.top_p,
    seed: params.seed ?? random.seed(),
    stopTokens: stopTokens(params.stop, base),
    promptLogprobs: body.prompt_logprobs ?? false,
  };
  engine.checkSample(base.name, job);
  return { job, firstPromptLogprob: firstPromptLogprob(body, prompt.length) };
}

function checkSupported(body: SampleRequest): void {
  const asked = [
    [(body.topk_prompt_logprobs ?? 0) > 0, 'topk_prompt_logprobs'],
    [(body.topk_sample_logprobs ?? 0) > 0, 'topk_sample_logprobs'],
    [(body.prompt_alt_tokens_k ?? 0) > 0, 'prompt_alt_tokens_k'],
    [(body.target_prompt_logprobs ?? null) !== null, 'target_prompt_logprobs'],
    [body.record_stability_info ?? false, 'record_stability_info'],
  ] as const;
  for (const [isAsked, name] of asked) {
    if (isAsked) throw refusal(400, `${name}: This server does not offer it; leave it out.`);
  }
}

function stopTokens(stop: SampleRequest['sampling_params']['stop'], base: BaseModelInfo): readonly number[] {
  if (stop === null || stop === undefined) return base.eosTokens;
  if (typeof stop === 'string') throw noStopStrings();
  return stop.map((token) => {
    if (typeof token === 'string') throw noStopStrings();
    return token;
  });
}

function noStopStrings(): Error {
  return refusal(400, 'sampling_params.stop: Expected token ids, got text; encode it first.');
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
