import { type Observable, catchError, map, of } from 'rxjs';
import { checkpointListSchema } from '../wire/index.js';
import type { ModelContext } from './modelContext.js';

/** What a save is to be called. */
export interface SaveName {
  readonly kind: 'weights' | 'sampler_weights' | 'external_weights';
  readonly name: string;
}

/**
 * Emits the path of a checkpoint of this name that was saved since its save was sent, or undefined: where an earlier
 * attempt of a save had no answer, that is its own.
 */
export function savedBefore(
  model: ModelContext,
  { kind, name }: SaveName,
  sentAt: number,
): Observable<string | undefined> {
  return model.connection.api
    .call({
      method: 'GET',
      path: `/api/v1/training_runs/${encodeURIComponent(model.modelId)}/checkpoints`,
      schema: checkpointListSchema,
      retry: 'standard',
    })
    .pipe(
      map(({ checkpoints }) => {
        const found = checkpoints.find(({ tinkerPath }) => tinkerPath.endsWith(`/${kind}/${name}`));
        return found !== undefined && Date.parse(found.time) > sentAt - 1 ? found.tinkerPath : undefined;
      }),
      catchError(() => of(undefined)),
    );
}
