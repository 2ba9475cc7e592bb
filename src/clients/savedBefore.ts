import { type Observable, catchError, map, of } from 'rxjs';
import { checkpointListSchema } from '../wire/index.js';
import type { ModelContext } from './modelContext.js';
import type { OperationContext } from './operationWork.js';

/** What a save is to be called. */
export interface SaveName {
  readonly kind: 'weights' | 'sampler_weights' | 'external_weights';
  readonly name: string;
  /** Whether it may take the place of another. */
  readonly overwrite?: boolean;
}

/**
 * Emits the path of the model's checkpoint of this name, or undefined where there is none or this client saved it by
 * another call: where an earlier attempt of a save had no answer, it is that save's own, as nobody else saves the model.
 */
export function savedBefore(
  model: ModelContext,
  { kind, name }: SaveName,
  { span }: OperationContext,
): Observable<string | undefined> {
  if (model.savedNames.has(`${kind}/${name}`)) return of(undefined);
  return model.connection.api
    .call({
      method: 'GET',
      path: `/api/v1/training_runs/${encodeURIComponent(model.modelId)}/checkpoints`,
      headers: span?.headers,
      schema: checkpointListSchema,
      retry: 'standard',
    })
    .pipe(
      map(({ checkpoints }) => {
        const found = checkpoints.find(({ tinkerPath }) => tinkerPath.endsWith(`/${kind}/${name}`));
        return found?.tinkerPath;
      }),
      catchError(() => of(undefined)),
    );
}
