import type { Model } from './model.js';
import type { ServerState } from './serverState.js';
import type { Outcome, StoredPromise } from './storedPromise.js';

/** A call of a model's lane, told to who watches the server. */
export interface ToldCall {
  began(): void;
  settled(outcome: Outcome): void;
}

/** Tells that a call was accepted; later that it began, and how it ended. */
export function tellCall(
  { tell, clock }: ServerState,
  model: Model,
  call: { readonly operation: string; readonly seqId: number; readonly promise: StoredPromise },
): ToldCall {
  const { operation, seqId } = call;
  const common = { run: model.id, id: call.promise.id, operation, seqId };
  tell({ type: 'operation', ...common, state: 'queued', time: clock.now() });
  return {
    began: () => {
      tell({ type: 'operation', ...common, state: 'computing', time: clock.now() });
    },
    settled: (outcome) => {
      const time = clock.now();
      if (!outcome.ok) {
        tell({ type: 'operation', ...common, state: 'failed', time, message: outcome.message });
        return;
      }
      tell({ type: 'operation', ...common, state: 'done', time });
      const metrics = metricsOf(outcome);
      if (metrics !== undefined) tell({ type: 'metrics', run: model.id, step: model.steps, time, metrics });
      const path = outcome.result.kind === 'json' ? outcome.result.body.path : undefined;
      if (operation.startsWith('save_weights') && typeof path === 'string') {
        tell({ type: 'checkpoint', run: model.id, path, step: model.steps, time });
      }
      if (operation === 'optim_step') model.steps += 1;
    },
  };
}

function metricsOf({ result }: Extract<Outcome, { ok: true }>): Readonly<Record<string, number>> | undefined {
  if (result.kind === 'forward_backward') return result.output.metrics;
  const metrics = result.kind === 'json' ? result.body.metrics : undefined;
  // The engine's own, of an optimizer step.
  return metrics as Readonly<Record<string, number>> | undefined;
}
