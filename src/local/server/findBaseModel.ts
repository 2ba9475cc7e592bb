import type { BaseModelInfo } from '../engine/engine.js';
import { refusal } from './refusal.js';
import type { ServerState } from './serverState.js';

/** The base model of this name. @throws TinkerError with status 400 that names those there are. */
export function findBaseModel(state: ServerState, name: string): BaseModelInfo {
  const base = state.engine.baseModels.find((model) => model.name === name);
  if (base !== undefined) return base;
  const names = state.engine.baseModels.map((model) => model.name).join(', ');
  throw refusal(
    400,
    `Expected a base model of this server (${names}), got ${JSON.stringify(name)}. Choose one of them.`,
  );
}
