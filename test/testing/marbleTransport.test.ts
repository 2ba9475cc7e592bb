import { catchError, concatMap, forkJoin, map, merge, of, switchMap } from 'rxjs';
import { TestScheduler, type RunHelpers } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import {
  type Datum,
  ModelInput,
  type ServiceClient,
  type TinkerError,
  type TrainingClient,
  silentLogger,
} from '../../src/index.js';
import { type MarbleAnswers, MarbleTransport, marbleService } from '../../src/testing/index.js';

const datum = (length: number): Datum => ({
  modelInput: ModelInput.fromTokens(Array.from({ length }, (_, index) => index)),
});

function run(
  answers: Omit<MarbleAnswers, 'scheduler'>,
  test: (
    t: RunHelpers & {
      service: ServiceClient;
      transport: MarbleTransport;
      scheduler: TestScheduler;
      training: <T>(use: (training: TrainingClient) => T) => T;
    },
  ) => void,
): void {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run((helpers) => {
    const { service, transport } = marbleService({ scheduler, ...answers }, { log: silentLogger });
    const training = <T>(use: (training: TrainingClient) => T): T => {
      const made: TrainingClient[] = [];
      service.createLoraTrainingClient({ baseModel: 'marble/model' }).subscribe((client) => made.push(client));
      const [client] = made;
      if (client === undefined) throw new Error('A marble service makes its model in frame 0.');
      return use(client);
    };
    test({ ...helpers, service, transport, scheduler, training });
  });
}

describe('answers', () => {
  it('come after the time of their marbles, under the name of the method', () => {
    const answers = {
      ...{ createLoraTrainingClient: '-a', forward: '--a', forwardBackward: '---a', optimStep: '----a' },
      ...{ saveState: '-----a', loadState: '------a', saveWeightsForSampler: '-------a', unloadModel: '--------a' },
    };
    run({ answers }, (t) => {
      const created = t.service.createLoraTrainingClient({ baseModel: 'marble/model' });
      const letters = created.pipe(
        switchMap((training) =>
          merge(
            training.forward([datum(3)], 'cross_entropy').pipe(map(() => 'f')),
            training.forwardBackward([datum(3)], 'cross_entropy').pipe(map(() => 'b')),
            training.optimStep().pipe(map(() => 'o')),
            training.saveState('s').pipe(map(() => 's')),
            training.loadState('tinker://model/weights/s').pipe(map(() => 'l')),
            training.saveWeightsForSampler({ path: 'w' }).pipe(map(() => 'w')),
            training.unloadModel().pipe(map(() => 'u')),
          ),
        ),
      );
      t.expectObservable(letters).toBe('---fboslw-------(u|)');
    });
  });

  it('count from the send, not from the poll', () => {
    run({ answers: { forwardBackward: '-----a', optimStep: '--a' } }, (t) => {
      t.training((training) => {
        const both = merge(
          training.forwardBackward([datum(3)], 'cross_entropy').pipe(map(() => 'b')),
          training.optimStep().pipe(map(() => 'o')),
        );
        t.expectObservable(both).toBe('--o--(b|)');
      });
    });
  });

  it('are given to calls in turn, the last to all that follow', () => {
    run({ answers: { optimStep: ['-a', '---a'] } }, (t) => {
      t.training((training) => {
        const steps = of(1, 2, 3).pipe(concatMap(() => training.optimStep().pipe(map(() => 'o'))));
        t.expectObservable(steps).toBe('-o--o--(o|)');
      });
    });
  });

  it('pause the queue at p and fail at #, for the reason given', () => {
    const failure = { error: 'out of memory', category: 'user' } as const;
    run({ answers: { optimStep: '--p--#' }, failure }, (t) => {
      t.training((training) => {
        const codes = training.optimStep().pipe(catchError(({ code, message }: TinkerError) => of([code, message])));
        t.expectObservable(codes).toBe('-----(e|)', {
          e: ['request_failed', expect.stringContaining('out of memory') as string],
        });
        t.expectObservable(training.queueState$.pipe(map(({ state }) => state[0]))).toBe('a-p--a');
      });
    });
  });

  it('lay the value of a letter over the plain result', () => {
    run({ answers: { forwardBackward: '-b' }, values: { b: { metrics: { 'loss:sum': 7 } } } }, (t) => {
      t.training((training) => {
        const result = training
          .forwardBackward([datum(3)], 'cross_entropy')
          .pipe(map(({ lossFnOutputs, metrics }) => [lossFnOutputs.length, metrics['loss:sum']]));
        t.expectObservable(result).toBe('-(r|)', { r: [1, 7] });
      });
    });
  });

  it('take whole times, and reject marbles without a result', () => {
    run({ answers: { optimStep: '2s a' } }, (t) => {
      t.training((training) => t.expectObservable(training.optimStep().pipe(map(() => 'o'))).toBe('2s (o|)'));
    });
    run({ answers: { optimStep: '---' } }, (t) => {
      t.training((training) =>
        t
          .expectObservable(training.optimStep())
          .toBe('#', undefined, expect.objectContaining({ message: expect.stringContaining('--a') as string })),
      );
    });
  });
});

describe('plain results', () => {
  it('have a record of logprobs for each datum, in the shape of its target tokens', () => {
    run({}, (t) => {
      t.training((training) => {
        const lengths = forkJoin([
          training.forward([datum(3), datum(5)], 'cross_entropy'),
          training.forwardBackward([datum(9)], 'cross_entropy'),
        ]).pipe(map((passes) => passes.map((pass) => pass.lossFnOutputs.map(({ logprobs }) => logprobs?.shape))));
        t.expectObservable(lengths).toBe('(l|)', { l: [[[2], [4]], [[8]]] });
      });
    });
  });

  it('let a custom loss be computed', () => {
    run({}, (t) => {
      t.training((training) => {
        const loss = training
          .forwardBackwardCustom([datum(4)], ({ logprobs }) => logprobs.mul(2).sum())
          .pipe(map(({ metrics }) => metrics['loss:sum']));
        t.expectObservable(loss).toBe('(l|)', { l: -6 });
      });
    });
  });

  it('name what was saved, and are as many samples as were asked for', () => {
    run({}, (t) => {
      t.training((training) => {
        t.expectObservable(training.saveState('step-20')).toBe('(p|)', {
          p: { path: 'tinker://model/weights/step-20' },
        });
        const samples = training.saveWeightsAndGetSamplingClient().pipe(
          switchMap((sampling) => sampling.sample({ prompt: ModelInput.fromTokens([1]), numSamples: 3 })),
          map(({ sequences }) => sequences.length),
        );
        t.expectObservable(samples).toBe('(n|)', { n: 3 });
        t.expectObservable(t.service.getServerCapabilities().pipe(map((it) => it.supportedModels.length))).toBe(
          '(n|)',
          { n: 1 },
        );
      });
    });
  });
});

describe('requests', () => {
  it('are kept in order with frame, seq_id and body, whatever the form of the body', () => {
    for (const passFormat of ['json', 'protobuf'] as const) {
      const scheduler = new TestScheduler(() => undefined);
      scheduler.run(({ flush }) => {
        const { service, transport } = marbleService(
          { scheduler, answers: { createLoraTrainingClient: '--a' } },
          { passFormat },
        );
        service
          .createLoraTrainingClient({ baseModel: 'marble/model' })
          .pipe(switchMap((training) => training.forwardBackward([datum(3)], 'cross_entropy')))
          .subscribe();
        flush();
        expect(transport.sent).toEqual(['forward_backward 1']);
        expect(transport.requests.find(({ seqId }) => seqId === 1)).toMatchObject({
          frame: 2,
          operation: 'forward_backward',
          body: { forward_backward_input: { data: [{ model_input: { chunks: [{ tokens: [0, 1] }] } }] } },
        });
      });
    }
  });

  it('can be answered by the test itself', () => {
    const refuse: MarbleAnswers['intercept'] = ({ operation }) =>
      operation === 'optim_step' ? of(MarbleTransport.response(400, { detail: 'no gradient' })) : undefined;
    run({ intercept: refuse }, (t) => {
      t.training((training) =>
        t.expectObservable(training.optimStep()).toBe('#', undefined, expect.objectContaining({ code: 'bad_request' })),
      );
    });
  });
});
