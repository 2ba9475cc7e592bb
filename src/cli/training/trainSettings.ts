import path from 'node:path';
import type { Schedule, WithLearningRate } from '../../../operators/index.js';
import { constant, cosineDecay, linearDecay } from '../../../operators/index.js';
import type { RendererName, TrainOn } from '../../training/renderers/index.js';
import type { CommandContext } from '../commandContext.js';
import { DEFAULT_DATA_DIR, type ServerOptions, isEmbedded } from '../openServer.js';
import { shellWord } from '../output/shellWord.js';
import { UsageError } from '../usageError.js';
import { RunFolder, type RunSettings } from './runFolder.js';

/** Options of `rxtinker train`. */
export interface TrainOptions extends ServerOptions {
  readonly model?: string;
  readonly data?: string;
  readonly eval?: string;
  readonly rank: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly warmup: number;
  readonly seed: number;
  readonly saveEvery: number;
  readonly evalEvery?: number;
  readonly renderer?: RendererName;
  readonly trainOn: TrainOn;
  readonly maxLength: number;
  readonly outputDir?: string;
  readonly resume?: string;
  /** Options that were given on the command line. */
  readonly given: readonly string[];
}

/** What a resumed run may change; its data and model stay as they are. */
const changeable = ['epochs', 'lr', 'schedule', 'warmup', 'eval', 'evalEvery', 'saveEvery', 'baseUrl', 'dataDir'];
const neutral = ['resume', 'format', 'quiet'];

/** The folder and the settings of a run, new or resumed, without what only its data tells. @throws UsageError */
export function trainSettings(
  context: CommandContext,
  options: TrainOptions,
): { readonly folder: RunFolder; readonly settings: Omit<RunSettings, 'data_sha256'>; readonly digest?: string } {
  return options.resume === undefined ? newRun(context, options) : resumedRun(options, options.resume);
}

function newRun(context: CommandContext, options: TrainOptions): ReturnType<typeof trainSettings> {
  const { data, model = 'rxtinker/tiny' } = options;
  if (data === undefined) throw new UsageError('Expected --data FILE, or --resume DIR to go on with a run.');
  const embedded = isEmbedded(context, options);
  if (options.model === undefined && !embedded) {
    throw new UsageError('Expected --model NAME. Run rxtinker model list to see the base models.');
  }
  const folder = new RunFolder(options.outputDir ?? path.join('runs', path.parse(data).name));
  if (folder.isUsed) {
    throw new UsageError(
      `There is a run in ${folder.directory} already. Give --resume ${shellWord(folder.directory)} to go on with it, or another --output-dir.`,
    );
  }
  const { rank, epochs, batchSize, lr, schedule, warmup, seed, saveEvery, trainOn, maxLength, renderer } = options;
  const settings = {
    ...{ model, data: path.resolve(data), rank, epochs, batch_size: batchSize, lr, schedule, warmup, seed },
    ...{ save_every: saveEvery, train_on: trainOn, max_length: maxLength },
    ...(options.eval !== undefined && { eval: path.resolve(options.eval) }),
    ...(options.evalEvery !== undefined && { eval_every: options.evalEvery }),
    ...(renderer !== undefined && { renderer }),
    ...(options.baseUrl !== undefined && { base_url: options.baseUrl }),
    ...(embedded && { data_dir: path.resolve(options.dataDir ?? DEFAULT_DATA_DIR) }),
    ...(options.baseModel !== undefined && { base_model: [...options.baseModel] }),
  };
  return { folder, settings };
}

function resumedRun(options: TrainOptions, directory: string): ReturnType<typeof trainSettings> {
  const fixed = options.given.find((name) => !changeable.includes(name) && !neutral.includes(name));
  if (fixed !== undefined) {
    const flag = fixed.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(
      `A resumed run keeps its --${flag}. Leave it out, or start a new run with another --output-dir.`,
    );
  }
  const folder = new RunFolder(directory);
  const { data_sha256: digest, base_url, data_dir, ...kept } = folder.settings();
  const has = (name: keyof TrainOptions): boolean => options.given.includes(name);
  const moved = options.baseUrl !== undefined || options.dataDir !== undefined;
  const settings = {
    ...kept,
    ...(has('epochs') && { epochs: options.epochs }),
    ...(has('lr') && { lr: options.lr }),
    ...(has('schedule') && { schedule: options.schedule }),
    ...(has('warmup') && { warmup: options.warmup }),
    ...(has('saveEvery') && { save_every: options.saveEvery }),
    ...(options.eval !== undefined && { eval: path.resolve(options.eval) }),
    ...(options.evalEvery !== undefined && { eval_every: options.evalEvery }),
    ...(!moved && base_url !== undefined && { base_url }),
    ...(!moved && data_dir !== undefined && { data_dir }),
    ...(options.baseUrl !== undefined && { base_url: options.baseUrl }),
    ...(options.dataDir !== undefined && { data_dir: path.resolve(options.dataDir) }),
  };
  return { folder, settings, digest };
}

/** The learning rate of each step. */
export function scheduleOf(
  { schedule, lr, warmup }: Pick<RunSettings, 'schedule' | 'lr' | 'warmup'>,
  steps: number,
): Schedule<WithLearningRate> {
  if (schedule === 'constant') return constant({ learningRate: lr, warmup });
  // A schedule longer than its warm-up is asked for; a run of one step has none.
  const options = { from: lr, steps: Math.max(steps, warmup + 1), warmup };
  return schedule === 'cosine' ? cosineDecay(options) : linearDecay(options);
}
