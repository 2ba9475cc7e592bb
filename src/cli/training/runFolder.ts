import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { rendererNames, trainOnModes } from '../../training/renderers/index.js';
import { TinkerError } from '../../errors.js';

const settingsSchema = z.object({
  model: z.string(),
  data: z.string(),
  data_sha256: z.string(),
  eval: z.string().exactOptional(),
  rank: z.int(),
  epochs: z.int(),
  batch_size: z.int(),
  lr: z.number(),
  schedule: z.enum(['constant', 'linear', 'cosine']),
  warmup: z.int(),
  seed: z.int(),
  save_every: z.int(),
  eval_every: z.int().exactOptional(),
  renderer: z.enum(rendererNames).exactOptional(),
  train_on: z.enum(trainOnModes),
  max_length: z.int(),
  base_url: z.string().exactOptional(),
  data_dir: z.string().exactOptional(),
  base_model: z.array(z.string()).exactOptional(),
});

/** All that a run was started with; kept in its folder, so that it can be resumed. */
export type RunSettings = z.output<typeof settingsSchema>;

/** The folder of a run: its settings, metrics and checkpoints. */
export class RunFolder {
  readonly metricsFile: string;
  readonly checkpointsFile: string;
  private readonly settingsFile: string;

  constructor(readonly directory: string) {
    this.settingsFile = path.join(directory, 'config.json');
    this.metricsFile = path.join(directory, 'metrics.jsonl');
    this.checkpointsFile = path.join(directory, 'checkpoints.jsonl');
  }

  /** The last part of its path. */
  get name(): string {
    return path.basename(path.resolve(this.directory)).replaceAll(/[^\w.-]/g, '-');
  }

  /** Whether a run was started there. */
  get isUsed(): boolean {
    return existsSync(this.settingsFile);
  }

  /** Writes the settings; makes the folder. @throws TinkerError `invalid_config` */
  start(settings: RunSettings): void {
    try {
      mkdirSync(this.directory, { recursive: true });
      writeFileSync(this.settingsFile, `${JSON.stringify(settings, undefined, 2)}\n`);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new TinkerError(
        'invalid_config',
        `The folder ${this.directory} can't be written: ${why}. Choose another.`,
        {
          cause,
        },
      );
    }
  }

  /** Reads the settings. @throws TinkerError `invalid_config` where no run was started there */
  settings(): RunSettings {
    let json: unknown;
    try {
      json = JSON.parse(readFileSync(this.settingsFile, 'utf8'));
    } catch (cause) {
      throw new TinkerError(
        'invalid_config',
        `Expected the folder of a run, but ${this.settingsFile} can't be read. Give --resume the --output-dir of a run.`,
        { cause },
      );
    }
    const read = settingsSchema.safeParse(json);
    if (read.success) return read.data;
    const place = read.error.issues[0]?.path.join('.') ?? '';
    throw new TinkerError(
      'invalid_config',
      `Expected ${this.settingsFile} as train writes it, wrong is ${place}. Correct it, or start a new run.`,
    );
  }
}
