import type { BaseModelInfo } from '../engine/engine.js';
import { refusal } from './refusal.js';
import { Sampler, type SharedTarget } from './sampler.js';
import type { ServerState } from './serverState.js';
import type { Session } from './session.js';

/** Makes a sampling session; without a checkpoint's path it is ephemeral, and only the newest of those are kept. */
export function createSampler(
  state: ServerState,
  session: Session,
  options: {
    id: string;
    base: BaseModelInfo;
    modelPath: string | undefined;
    runId: string | undefined;
    ephemeral: boolean;
    target: SharedTarget;
  },
): Sampler {
  const sampler = new Sampler({
    id: options.id,
    sessionId: session.id,
    base: options.base,
    modelPath: options.modelPath,
    runId: options.runId,
    ephemeral: options.ephemeral,
    target: options.target,
    promises: state.promises,
    concurrency: state.limits.concurrentSamples,
  });
  state.samplers.set(sampler.id, sampler);
  session.samplerIds.push(sampler.id);
  if (options.ephemeral) dropOldest(state, session);
  return sampler;
}

function dropOldest(state: ServerState, session: Session): void {
  const ephemeral = session.samplerIds.flatMap((id) => {
    const sampler = state.samplers.get(id);
    return sampler?.ephemeral === true ? [sampler] : [];
  });
  for (const oldest of ephemeral.slice(0, Math.max(0, ephemeral.length - state.limits.ephemeralSamplers))) {
    oldest.close();
    state.samplers.delete(oldest.id);
    session.samplerIds.splice(session.samplerIds.indexOf(oldest.id), 1);
  }
}

/** The live sampling session of this id. @throws TinkerError with status 404. */
export function findSampler(state: ServerState, id: string): Sampler {
  const sampler = state.samplers.get(id);
  if (sampler !== undefined) return sampler;
  throw refusal(
    404,
    `No sampling session ${id} on this server: it ended with its session, made room for newer ones (${state.limits.ephemeralSamplers} without a checkpoint are kept), or never was. Create it again.`,
  );
}
