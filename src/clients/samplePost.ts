import type { Observable } from 'rxjs';
import type { ApiCall } from '../transport/api.js';
import { type FuturePromise, futurePromiseSchema } from '../wire/index.js';
import type { OperationContext } from './operationWork.js';
import type { SampleQueue } from './sampleQueue.js';
import type { SampleJob } from './sampleRequest.js';

/** A sample that the server took; `gone` once the server has lost it, or was told that nobody wants it. */
export interface SentSample {
  seqId: number;
  promise: FuturePromise;
  gone: boolean;
}

const backpressure = { 'x-tinker-sampling-backpressure': '1' };

/** One request of a sample, with the same seq_id, key and bytes however often it is sent. */
export class SamplePost {
  private seqId: number | undefined;

  constructor(
    private readonly queue: SampleQueue,
    private readonly job: SampleJob,
    private readonly context: OperationContext,
  ) {}

  /** The seq_id is taken when it is first sent. */
  post(): Observable<FuturePromise> {
    const { queue, job } = this;
    const { span } = this.context;
    this.seqId ??= queue.takeSeqId();
    const call: ApiCall<FuturePromise> = {
      method: 'POST',
      path: '/api/v1/asample',
      body: { contentType: 'application/json', bytes: job.body(queue.onWire(this.seqId)) },
      headers: span === undefined ? backpressure : { ...backpressure, ...span.headers },
      idempotencyKey: queue.keyOf(this.seqId),
      schema: futurePromiseSchema,
      retry: queue.retry,
    };
    return queue.service.connection.api.call(call);
  }

  /** What the server took by that. */
  sent(promise: FuturePromise): SentSample {
    const { seqId = 0 } = this;
    this.context.span?.sent([seqId]);
    return { seqId, promise, gone: false };
  }
}
