import { EMPTY, NEVER, of, throwError } from 'rxjs';
import { TestScheduler, type RunHelpers } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { usingTrainingClient } from '../../src/clients/usingTrainingClient.js';
import type { ServiceClient } from '../../src/clients/service.js';
import { TinkerError } from '../../src/errors.js';
import { type MarbleAnswers, MarbleTransport, marbleService } from '../../src/testing/index.js';
import { after, as, withTraining } from './support/marbles.js';

const model = { baseModel: 'marble/model' };

function withService(
  answers: Omit<MarbleAnswers, 'scheduler'>,
  test: (t: RunHelpers & { service: ServiceClient; transport: MarbleTransport; scheduler: TestScheduler }) => void,
): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run((helpers) => {
    test({ ...helpers, scheduler, ...marbleService({ scheduler, ...answers }) });
  });
}

const operations = (transport: MarbleTransport): string[] =>
  transport.requests.map(({ frame, operation }) => `${frame} ${operation}`);

describe('a creation', () => {
  it('sends config, session, model and info, once, when subscribed', () => {
    withService({ answers: { createLoraTrainingClient: '---a' } }, (t) => {
      const creating = t.service.createLoraTrainingClient(model);
      expect(operations(t.transport)).toEqual([]);
      t.expectObservable(creating.pipe(as('c'))).toBe('---(c|)');
      t.expectObservable(creating.pipe(as('c'))).toBe('---(c|)');
      t.flush();
      expect(operations(t.transport)).toEqual([
        '0 config',
        '0 create_session',
        '0 create_model',
        '0 retrieve_future',
        '3 get_info',
      ]);
    });
  });

  it('whose result comes when nobody is subscribed is unloaded', () => {
    withService({ answers: { createLoraTrainingClient: '-----a' } }, (t) => {
      const creating = t.service.createLoraTrainingClient(model);
      t.expectObservable(creating, '^--!').toBe('----');
      t.flush();
      expect(operations(t.transport).slice(3)).toEqual([
        '0 retrieve_future',
        '5 get_info',
        '5 unload_model',
        '5 retrieve_future',
      ]);
      const codes: string[] = [];
      creating.subscribe({ error: (error: TinkerError) => codes.push(error.code) });
      t.flush();
      expect(codes).toEqual(['aborted']);
    });
  });

  it('whose signal is aborted is unloaded when it comes', () => {
    withService({ answers: { createLoraTrainingClient: '-----a' } }, (t) => {
      const controller = new AbortController();
      const codes: string[] = [];
      t.service
        .createLoraTrainingClient({ ...model, signal: controller.signal })
        .subscribe({ error: (error: TinkerError) => codes.push(error.code) });
      t.scheduler.schedule(() => {
        controller.abort();
      }, 2);
      t.flush();
      expect(codes).toEqual(['aborted']);
      expect(operations(t.transport)).toContain('5 unload_model');
    });
  });

  it('takes defaults where the server has no client/config', () => {
    withService(
      {
        intercept: ({ operation }) =>
          operation === 'config' ? of(MarbleTransport.response(404, { detail: 'none' })) : undefined,
      },
      (t) => {
        t.expectObservable(t.service.createLoraTrainingClient(model).pipe(as('c'))).toBe('(c|)');
      },
    );
  });
});

describe('unloadModel', () => {
  it('waits for what was subscribed before, and takes nothing new', () => {
    withTraining({ answers: { optimStep: '---a', unloadModel: '--a' } }, (t) => {
      const codes: string[] = [];
      t.expectObservable(t.training.optimStep().pipe(as('o'))).toBe('---(o|)');
      t.expectObservable(t.training.unloadModel().pipe(as('u'))).toBe('-----(u|)');
      t.scheduler.schedule(() => {
        t.training.saveState('late').subscribe({ error: (error: TinkerError) => codes.push(error.code) });
      }, 1);
      t.flush();
      expect(codes).toEqual(['closed']);
      expect(t.transport.sent).toEqual(['optim_step 1']);
    });
  });

  it('left while it waits opens the lane again', () => {
    withTraining({ answers: { optimStep: '-----a' } }, (t) => {
      t.expectObservable(t.training.optimStep().pipe(as('o'))).toBe('-----(o|)');
      t.expectObservable(t.training.unloadModel(), '^--!').toBe('---');
      t.scheduler.schedule(() => t.training.saveState('s').subscribe(), 4);
      t.flush();
      expect(t.transport.sent).toEqual(['optim_step 1', 'save_weights 2']);
    });
  });

  it('is a success where the server has no such endpoint', () => {
    withTraining(
      {
        intercept: ({ operation }) =>
          operation === 'unload_model' ? of(MarbleTransport.response(404, { detail: 'Not Found' })) : undefined,
      },
      (t) => {
        t.expectObservable(t.training.unloadModel().pipe(as('u'))).toBe('(u|)');
      },
    );
  });
});

describe('usingTrainingClient', () => {
  it('delays the end of the stream until the model is unloaded', () => {
    withService({ answers: { optimStep: '--a', unloadModel: '---a' } }, (t) => {
      const using = usingTrainingClient(t.service, model, (training) => training.optimStep().pipe(as('o')));
      t.expectObservable(using).toBe('--o--|');
    });
  });

  it('delays an error until then too', () => {
    const failure = new Error('no');
    withService({ answers: { unloadModel: '---a' } }, (t) => {
      t.expectObservable(usingTrainingClient(t.service, model, () => throwError(() => failure))).toBe(
        '---#',
        undefined,
        failure,
      );
    });
  });

  it('waits 10 s for the unload at most', () => {
    withService({ answers: { unloadModel: '20s a' } }, (t) => {
      t.expectObservable(usingTrainingClient(t.service, model, () => EMPTY)).toBe('10s |');
    });
  });

  it('unloads after an unsubscribe, once what was sent is done', () => {
    withService({ answers: { unloadModel: '-a' } }, (t) => {
      t.expectObservable(
        usingTrainingClient(t.service, model, () => NEVER),
        '^--!',
      ).toBe('---');
      t.flush();
      expect(operations(t.transport).slice(-2)).toEqual(['3 unload_model', '3 retrieve_future']);
    });
  });
});

describe('close', () => {
  it('fails queued operations and later ones with closed, finishes the POST, stops polls, finishes the session', () => {
    withTraining({ answers: { optimStep: '------------a' } }, (t) => {
      const send = t.transport.send.bind(t.transport);
      t.transport.send = (request) =>
        request.path.endsWith('save_weights') ? after(t.scheduler, 5, () => send(request)) : send(request);
      const codes: string[] = [];
      const note = { error: (error: TinkerError) => codes.push(`${t.scheduler.now()} ${error.code}`) };
      t.training.optimStep().subscribe(note);
      t.training.saveState('s').subscribe(note);
      t.training.optimStep().subscribe(note);
      const completed: string[] = [];
      t.training.events$.subscribe({ complete: () => completed.push(`${t.scheduler.now()} events$`) });
      t.scheduler.schedule(() => void t.service.close(), 2);
      t.scheduler.schedule(() => t.training.optimStep().subscribe(note), 8);
      t.flush();
      expect(codes).toEqual(['2 closed', '2 closed', '2 closed', '8 closed']);
      expect(t.transport.sent).toEqual(['optim_step 1', 'save_weights 2']);
      expect(operations(t.transport).slice(-2)).toEqual(['5 save_weights', '5 finish']);
      expect(completed).toEqual(['5 events$']);
    });
  });

  it('ends within 10 s whatever the server does', () => {
    withTraining({}, (t) => {
      const send = t.transport.send.bind(t.transport);
      t.transport.send = (request) => (request.path.endsWith('optim_step') ? NEVER : send(request));
      t.training.optimStep().subscribe({ error: () => undefined });
      let ended: number | undefined;
      t.transport.close = () => {
        ended = t.scheduler.now();
        return EMPTY;
      };
      void t.service.close();
      t.flush();
      expect(ended).toBeLessThanOrEqual(10_000);
    });
  });

  it('awaits an unload that an unsubscribe left behind', () => {
    withService({ answers: { unloadModel: '----a' } }, (t) => {
      t.expectObservable(
        usingTrainingClient(t.service, model, () => NEVER),
        '^--!',
      ).toBe('---');
      t.scheduler.schedule(() => void t.service.close(), 3);
      t.flush();
      expect(operations(t.transport).slice(-1)).toEqual(['7 finish']);
    });
  });

  it('of a service that was never used sends nothing', () => {
    withService({}, (t) => {
      void t.service.close();
      t.flush();
      expect(t.transport.requests).toEqual([]);
    });
  });
});

describe('heartbeats', () => {
  it('go on while nothing else does, and stop with the session', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    scheduler.run(({ flush }) => {
      const { service, transport } = marbleService({ scheduler }, { heartbeatIntervalMs: 10_000 });
      service.createLoraTrainingClient(model).subscribe();
      scheduler.schedule(() => void service.close(), 35_000);
      flush();
      const beats = transport.requests.filter(({ operation }) => operation === 'session_heartbeat');
      expect(beats.map(({ frame }) => frame)).toEqual([10_000, 20_000, 30_000]);
    });
  });

  it('stop when the server says that the session has finished', () => {
    const scheduler = new TestScheduler(() => undefined);
    scheduler.run(({ flush }) => {
      const { service, transport } = marbleService(
        {
          scheduler,
          intercept: ({ operation }) =>
            operation === 'session_heartbeat' ? of(MarbleTransport.response(410, { detail: 'finished' })) : undefined,
        },
        { heartbeatIntervalMs: 10_000 },
      );
      service.createLoraTrainingClient(model).subscribe();
      flush();
      expect(transport.requests.filter(({ operation }) => operation === 'session_heartbeat')).toHaveLength(1);
    });
  });
});

describe('a session that the server lost', () => {
  const lost = of(MarbleTransport.response(404, { detail: 'no such session' }));

  it('is made anew by the next creation', () => {
    let restarted = false;
    let refusals = 0;
    withService(
      {
        intercept: ({ operation, body }) =>
          restarted &&
          (operation === 'session_heartbeat' || operation === 'create_model') &&
          JSON.stringify(body).includes('"session"') &&
          refusals++ < 2
            ? lost
            : undefined,
      },
      ({ service, transport, scheduler, flush }) => {
        service.createLoraTrainingClient(model).subscribe();
        scheduler.schedule(() => {
          restarted = true;
          service.createLoraTrainingClient(model).subscribe();
        }, 5);
        flush();
        expect(operations(transport).filter((line) => line.startsWith('5 '))).toEqual([
          '5 create_model',
          '5 session_heartbeat',
          '5 create_session',
          '5 create_model',
          '5 retrieve_future',
          '5 get_info',
        ]);
      },
    );
  });

  it('is not suspected when a checkpoint is missing', () => {
    withService(
      { intercept: ({ operation }) => (operation === 'load_weights' ? lost : undefined) },
      ({ service, transport, flush }) => {
        service.createLoraTrainingClient(model).subscribe();
        const codes: string[] = [];
        service
          .createTrainingClientFromState('tinker://model/weights/none')
          .subscribe({ error: (error: TinkerError) => codes.push(error.code) });
        flush();
        expect(codes).toEqual(['not_found']);
        expect(operations(transport).filter((line) => line.endsWith('create_session'))).toHaveLength(1);
      },
    );
  });
});
