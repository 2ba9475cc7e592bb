import type { Observable } from 'rxjs';
import type { ApiCall } from '../transport/api.js';
import { uuid } from '../transport/random.js';
import { type FuturePromise, futurePromiseSchema } from '../wire/index.js';
import type { OperationContext } from './operationWork.js';
import type { SampleQueue } from './sampleQueue.js';
import type { SampleJob } from './sampleRequest.js';
import type { Submittable } from './sampleSubmission.js';

/** A sample that the server took; `gone` once the server has lost it, or was told that nobody wants it. */
export interface SentSample {
  seqId: number;
  promise: FuturePromise;
  gone: boolean;
}

const backpressure = { 'x-tinker-sampling-backpressure': '1' };

/** One request of a sample, with the same seq_id, key and bytes however often it is sent. */
export class SamplePost implements Submittable<FuturePromise> {
  private taken: { readonly seqId: number; readonly idempotencyKey: string } | undefined;

  constructor(
    private readonly queue: SampleQueue,
    private readonly job: SampleJob,
    private readonly context: OperationContext,
  ) {}

  get bytes(): number {
    return this.job.bytes;
  }

  /** The seq_id is taken when it is first sent. */
  post(): Observable<FuturePromise> {
    const { queue } = this;
    const { api, random } = queue.service.connection;
    this.taken ??= { seqId: queue.takeSeqId(), idempotencyKey: `rxtinker-${uuid(random)}` };
    const { seqId, idempotencyKey } = this.taken;
    const { span } = this.context;
    const call: ApiCall<FuturePromise> = {
      method: 'POST',
      path: '/api/v1/asample',
      body: { contentType: 'application/json', bytes: this.job.body(queue.onWire(seqId)) },
      headers: span === undefined ? backpressure : { ...backpressure, ...span.headers },
      idempotencyKey,
      schema: futurePromiseSchema,
      retry: queue.retry,
    };
    return api.call(call);
  }

  /** What the server took by that. */
  sent(promise: FuturePromise): SentSample {
    const seqId = this.taken?.seqId ?? 0;
    this.context.span?.sent([seqId]);
    return { seqId, promise, gone: false };
  }
}
