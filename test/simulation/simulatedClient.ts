import {
  EMPTY,
  NEVER,
  type Observable,
  ReplaySubject,
  Subscription,
  catchError,
  defer,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  switchMap,
  take,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import { linearDecay } from '../../operators/index.js';
import { ServiceClient } from '../../src/clients/service.js';
import type { TrainingClient } from '../../src/clients/training.js';
import type { TinkerError } from '../../src/errors.js';
import { seededRandom } from '../../operators/seededRandom.js';
import type { CheckpointEntry, CheckpointLog } from '../../src/training/checkpointLog.js';
import { type ResumableEvent, resumable } from '../../src/training/resumable.js';
import type { Transport } from '../../src/transport/transport.js';
import { ModelInput } from '../../src/wire/index.js';
import { batchOf } from './batchOf.js';
import type { Ledger } from './ledger.js';
import type { Seams } from './seams.js';
import type { SimulatedNetwork } from './simulatedNetwork.js';
import { SimulatedProcess } from './simulatedProcess.js';
import type { SimulatedTime } from './simulatedTime.js';

/** What simulated clients share over their starts. */
export interface SimulatedClientOptions {
  readonly time: SimulatedTime;
  readonly network: SimulatedNetwork;
  readonly ledger: Ledger;
  readonly seams: Seams;
  readonly random: () => number;
  readonly steps: number;
  readonly depth: number;
  /** How likely it evaluates, samples and asks for what is refused, beside the training. */
  readonly beside: number;
}

/** One process that trains by `resumable` and goes on from what the processes before it wrote down. */
export class SimulatedClient {
  readonly process: SimulatedProcess;
  private readonly service: ServiceClient;
  private readonly running = new Subscription();
  private readonly died = new ReplaySubject<undefined>(1);
  private training: TrainingClient | undefined;

  constructor(private readonly options: SimulatedClientOptions) {
    const { time, network, seams, random, ledger } = options;
    this.process = new SimulatedProcess(time);
    const connected = network.transport(this.process);
    const transport: Transport = {
      ...connected,
      // A dead process hears no end of its requests either.
      send: (request) => merge(connected.send(request).pipe(takeUntil(this.died)), NEVER).pipe(take(1)),
    };
    const warn = (message: string): void => {
      ledger.warnings.push(message);
    };
    this.service = new ServiceClient({
      baseUrl: 'http://simulated.invalid',
      transport: seams.transport?.(transport) ?? transport,
      scheduler: this.process,
      random: seededRandom(Math.floor(random() * 2 ** 31)),
      log: { debug: () => undefined, info: () => undefined, warn, error: warn },
    });
    this.running.add(
      this.run().subscribe({
        next: (event) => {
          this.note(event);
        },
        error: (error: TinkerError) => {
          this.tell(`failed: ${error.code}: ${error.message}`);
          ledger.failure = error;
        },
      }),
    );
  }

  close(): Promise<void> {
    return this.service.close();
  }

  /** Ends as by kill -9: it hears and says nothing more; its requests may still arrive. */
  crash(): void {
    this.running.unsubscribe();
    this.service.abandon();
    this.process.end();
    this.died.next(undefined);
  }

  private run(): Observable<ResumableEvent> {
    const { steps, depth, seams } = this.options;
    return resumable(this.service, {
      run: 'run',
      log: this.log(),
      model: { baseModel: 'simulated', rank: 2, seed: 1 },
      batches: (start) => {
        const first = seams.firstBatch?.(start) ?? start;
        return Array.from({ length: steps - start }, (_, index) => batchOf(first + index));
      },
      checkpointEvery: 3,
      loss: 'cross_entropy',
      adam: linearDecay({ from: 1e-2, steps }),
      depth,
      maxResumes: 1_000,
    });
  }

  private log(): CheckpointLog {
    const { ledger, random } = this.options;
    return {
      read: () => defer(() => of([...ledger.entries])),
      append: (entry) =>
        timer(1 + random() * 20, this.process).pipe(
          tap(() => ledger.entries.push(entry)),
          ignoreElements(),
        ),
    };
  }

  private note(event: ResumableEvent): void {
    const { ledger, beside, random } = this.options;
    this.tell(describe(event));
    switch (event.type) {
      case 'started':
        this.training = event.training;
        this.record(event.training, event.step, event.from);
        break;
      case 'step':
        ledger.steps.push({ step: event.step, metrics: JSON.stringify(event.metrics) });
        if (random() < beside) this.beside(this.training?.forward(batchOf(event.step), 'cross_entropy'));
        break;
      case 'checkpoint':
        if (random() < beside) this.beside(this.sample(event.entry));
        if (random() < beside) this.beside(this.saveAgain(event.entry));
        break;
      case 'interrupted':
        ledger.interruptions.push(event.error);
        break;
      case 'finished':
        ledger.finished = event.entry;
    }
  }

  private record(training: TrainingClient, startStep: number, from: CheckpointEntry | undefined): void {
    const record = { modelId: training.modelId, startStep, from, events: [] as ModelEvents };
    this.options.ledger.models.push(record);
    this.running.add(
      training.events$.subscribe((event) => {
        record.events.push(event);
      }),
    );
  }

  /** A greedy sample tells whether the weights are those of the checkpoint. */
  private sample({ batch, statePath }: CheckpointEntry): Observable<unknown> {
    const { ledger } = this.options;
    return this.service.createSamplingClient({ modelPath: statePath }).pipe(
      switchMap((sampling) =>
        sampling.sample({
          prompt: ModelInput.fromTokens([1, 2, 3]),
          samplingParams: { maxTokens: 4, temperature: 0 },
        }),
      ),
      tap(({ sequences }) => {
        const [first] = sequences;
        const logprobs = first?.logprobs ?? [];
        ledger.samples.push({ batch, tokens: `${first?.tokens.join(' ')}: ${logprobs.join(' ')}` });
      }),
    );
  }

  /** A name that is taken is refused, and the lane goes on with the same seq_id. */
  private saveAgain({ name }: CheckpointEntry): Observable<unknown> {
    return defer(() => this.training?.saveState(name) ?? EMPTY).pipe(
      map(() => {
        this.options.ledger.happens('a taken name was given again');
      }),
    );
  }

  private beside(work: Observable<unknown> | undefined): void {
    const { ledger } = this.options;
    const done = (work ?? EMPTY).pipe(
      catchError((error: TinkerError) => {
        ledger.sideErrors.push(error);
        return EMPTY;
      }),
      mergeMap(() => EMPTY),
      takeUntil(this.died),
    );
    this.running.add(done.subscribe());
  }

  private tell(line: string): void {
    const { time, ledger } = this.options;
    ledger.story.push(`${time.frame} ${line}`);
  }
}

type ModelEvents = Ledger['models'][number]['events'];

function describe(event: ResumableEvent): string {
  switch (event.type) {
    case 'started':
      return `started at ${event.step} as ${event.training.modelId}`;
    case 'step':
      return `step ${event.step}`;
    case 'interrupted':
      return `interrupted: ${event.error.code}: ${event.error.message}`;
    case 'checkpoint':
    case 'finished':
      return `${event.type} ${event.entry.name}`;
  }
}
