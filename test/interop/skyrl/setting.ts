import {
  type Datum,
  type ForwardBackwardOutput,
  ModelInput,
  ServiceClient,
  type TrainingClient,
} from '../../../src/index.js';
import { type ServiceOptions, silentLogger, undiciTransport } from '../../../src/index.js';
import { tokens } from '../../contract/support/data.js';
import { WireLog } from '../../contract/support/wireLog.js';
import type { Report } from './report.js';

/** What every check works with. */
export interface Setting {
  readonly report: Report;
  readonly baseUrl: string;
  readonly baseModel: string;
  readonly service: ServiceClient;
  /** What the service sends. */
  readonly wire: WireLog;
}

/** A service, and what it sends. */
export function connect(baseUrl: string, options: ServiceOptions = {}): Pick<Setting, 'service' | 'wire'> {
  const wire = new WireLog(undiciTransport({ baseUrl }));
  return { service: new ServiceClient({ ...options, baseUrl, log: silentLogger, transport: wire }), wire };
}

export const rank = 8;
export const learningRate = 1e-2;

/** Positions of every datum; one length, as the server compiles anew for each. */
const length = 12;
const sequences = [1, 2].map((seed) => tokens(length + 1, seed));

/** Text alone, for next-token training. */
export const texts: readonly Datum[] = sequences.map((sequence) => ({ modelInput: ModelInput.fromTokens(sequence) }));

/** The same with their inputs written out, and weights that are not all the same. */
export const weighted: readonly Datum[] = sequences.map((sequence) => ({
  modelInput: ModelInput.fromTokens(sequence.slice(0, length)),
  lossFnInputs: {
    targetTokens: sequence.slice(1),
    weights: Array.from({ length }, (_, position) => [0, 0.5, 1][position % 3] ?? 0),
  },
}));

/** Logprobs of all positions, one datum after another. */
export function logprobsOf({ lossFnOutputs }: ForwardBackwardOutput): number[] {
  return lossFnOutputs.flatMap(({ logprobs }) => Array.from<number | bigint, number>(logprobs?.data ?? [], Number));
}

/** Negative log-likelihood of a pass over `texts`, summed. */
export function lossOf(output: ForwardBackwardOutput): number {
  return -logprobsOf(output).reduce((sum, p) => sum + p, 0);
}

/** A new model; the same for the same seed. */
export function createModel(service: ServiceClient, baseModel: string, seed = 1): Promise<TrainingClient> {
  return service.createLoraTrainingClient({ baseModel, rank, seed }).result();
}

/** One step on `texts`, pipelined; its pass. */
export async function step(training: TrainingClient): Promise<ForwardBackwardOutput> {
  const pass = training.forwardBackward(texts, 'cross_entropy').result();
  const [output] = await Promise.all([pass, training.optimStep({ learningRate }).result()]);
  return output;
}

/** Logprobs of `texts` under a model as it is. */
export async function logprobs(training: TrainingClient): Promise<number[]> {
  return logprobsOf(await training.forward(texts, 'cross_entropy').result());
}
