import type { BaseModelInfo } from '../engine/engine.js';
import type { PreparedSample } from './sampleJob.js';
import type { Sampler } from './sampler.js';
import type { ServerState } from './serverState.js';
import type { Outcome } from './storedPromise.js';
import { vocabularyOf } from './vocabularyOf.js';

/** Tells who watches the server what a sampler wrote, as text; of a tokenizer that can't be read, as token ids. */
export async function tellSample(
  state: ServerState,
  { base, runId }: Sampler,
  { job }: PreparedSample,
  outcome: Outcome,
): Promise<void> {
  if (!outcome.ok || outcome.result.kind !== 'sample') return;
  const time = state.clock.now();
  // Now: while a vocabulary is read the model may go on.
  const step = runId === undefined ? undefined : state.models.get(runId)?.steps;
  const decode = await decoder(state, base);
  for (const { tokens } of outcome.result.output.result.sequences) {
    state.tell({
      ...{ type: 'sample', run: runId ?? base.name, prompt: decode(job.prompt), text: decode(tokens), time },
      ...(step !== undefined && { step }),
    });
  }
}

async function decoder(state: ServerState, base: BaseModelInfo): Promise<(tokens: ArrayLike<number>) => string> {
  try {
    const { bytes, starts } = await vocabularyOf(state, base);
    return (tokens) => {
      const parts = Array.from(tokens, (token) => bytes.subarray(starts[token] ?? 0, starts[token + 1] ?? 0));
      const text = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
      let at = 0;
      for (const part of parts) {
        text.set(part, at);
        at += part.length;
      }
      return new TextDecoder().decode(text);
    };
  } catch {
    return (tokens) => Array.from(tokens).join(' ');
  }
}
