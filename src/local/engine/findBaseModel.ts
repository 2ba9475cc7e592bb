import { describe, TinkerError } from '../../errors.js';

/**
 * The base model of this name.
 *
 * @throws TinkerError `bad_request` where there is none.
 */
export function findBaseModel<Model extends { readonly name: string }>(models: readonly Model[], name: string): Model {
  const model = models.find((candidate) => candidate.name === name);
  if (model === undefined) {
    const names = models.map((candidate) => candidate.name).join(', ');
    throw new TinkerError('bad_request', `Expected a base model of ${names}, got ${describe(name)}.`);
  }
  return model;
}
