import { type Observable, catchError, defer, map, of, shareReplay, switchMap, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import { retrieveFuture } from '../futures/retrieveFuture.js';
import type { UploadableLoss } from '../losses/index.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
import { createdLossSchema, futurePromiseSchema } from '../wire/index.js';
import type { Connection } from './connection.js';
import { readJsonResult } from './readJsonResult.js';
import type { Session } from './session.js';

/** Most losses of a session: one whose constants change with each step is better computed here. */
const MOST_LOSSES = 64;

/** The losses that a session's server computes by itself: each graph is uploaded once. */
export class UploadedLosses {
  private readonly ids = new Map<string, Observable<string | undefined>>();

  constructor(
    private readonly connection: Connection,
    private readonly session: Session,
  ) {}

  /** Emits the server's id of a loss; nothing but undefined where the server refuses it, now and later. */
  idOf(loss: UploadableLoss): Observable<string | undefined> {
    return defer(() => {
      const key = `${this.session.currentId ?? ''} ${JSON.stringify(loss.graph)}`;
      const known = this.ids.get(key);
      if (known !== undefined) return known;
      if (this.ids.size >= MOST_LOSSES) {
        this.connection.log.debug(`A custom loss is computed here: ${MOST_LOSSES} others were uploaded before.`);
        return of(undefined);
      }
      const uploading = this.upload(loss).pipe(shareReplay({ bufferSize: 1, refCount: false }));
      this.ids.set(key, uploading);
      return uploading;
    });
  }

  private upload({ name, graph: { inputs, nodes } }: UploadableLoss): Observable<string | undefined> {
    const { api, log } = this.connection;
    return defer(() => {
      const custom_loss_seq_id = this.session.nextCustomLossSeqId();
      return this.session.id$.pipe(
        switchMap((session_id) =>
          api.call({
            method: 'POST',
            path: '/api/v1/create_custom_loss',
            body: {
              session_id,
              custom_loss_seq_id,
              name,
              inputs,
              graph: { format: 1, nodes },
              type: 'create_custom_loss',
            },
            schema: futurePromiseSchema,
            retry: 'standard',
          }),
        ),
        switchMap((promise) =>
          retrieveFuture(this.connection, {
            promise,
            requestType: 'CreateCustomLoss',
            waitingFor: `create_custom_loss ${custom_loss_seq_id}`,
            read: readJsonResult(createdLossSchema, 'create_custom_loss'),
            onQueueState: () => undefined,
          }),
        ),
        map(({ lossId }) => lossId),
        catchError((error: unknown) => {
          const isRefused =
            error instanceof TinkerError && (isDefiniteRefusal(error) || error.code === 'request_failed');
          if (!isRefused) return throwError(() => error);
          log.debug(`A custom loss is computed here, as the server does not take it: ${error.message}`);
          return of(undefined);
        }),
      );
    });
  }
}
