import { type Observable, map, switchMap, timer } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';
import type { ServiceClient } from '../../../src/clients/service.js';
import type { ServiceOptions } from '../../../src/clients/serviceOptions.js';
import type { TrainingClient } from '../../../src/clients/training.js';
import { type MarbleAnswers, type MarbleRequest, MarbleTransport, marbleService } from '../../../src/testing/index.js';
import type { TransportResponse } from '../../../src/transport/transport.js';
import { type Datum, ModelInput } from '../../../src/wire/index.js';

/** Runs a test under virtual time, with a training client on a server made of marbles. */
export function withTraining(
  answers: Omit<MarbleAnswers, 'scheduler'>,
  test: (
    tools: RunHelpers & {
      service: ServiceClient;
      training: TrainingClient;
      transport: MarbleTransport;
      scheduler: TestScheduler;
    },
  ) => void,
  options: Omit<ServiceOptions, 'transport' | 'scheduler' | 'baseUrl'> = {},
): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run((helpers) => {
    const { service, transport } = marbleService({ scheduler, ...answers }, options);
    let training: TrainingClient | undefined;
    service.createLoraTrainingClient({ baseModel: 'marble/model' }).subscribe((made) => (training = made));
    if (training === undefined) throw new Error('A marble service makes its model in frame 0.');
    test({ ...helpers, service, training, transport, scheduler });
  });
}

/** A batch of `count` datums of three tokens. */
export function batch(count = 1): Datum[] {
  return Array.from({ length: count }, () => ({ modelInput: ModelInput.fromTokens([1, 2, 3]) }));
}

/** Emits a letter in place of a value. */
export const as =
  (letter: string) =>
  (source: Observable<unknown>): Observable<string> =>
    source.pipe(map(() => letter));

/** An answer after `frames` milliseconds of virtual time. */
export function after(
  scheduler: TestScheduler,
  frames: number,
  answer: () => Observable<TransportResponse>,
): Observable<TransportResponse> {
  return timer(frames, scheduler).pipe(switchMap(answer));
}

/** The training requests with the frame in which each was sent, e.g. `3: optim_step 2`. */
export function timeline(requests: readonly MarbleRequest[]): string[] {
  return requests.flatMap(({ frame, operation, seqId }) =>
    seqId === undefined ? [] : [`${frame}: ${operation} ${seqId}`],
  );
}
