import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ignoreElements, endWith } from 'rxjs';
import type { CommandContext } from '../commandContext.js';
import { splitBaseModel } from '../baseModels.js';
import { type ServerOptions, openServer } from '../openServer.js';

interface ExportOptions extends Pick<ServerOptions, 'baseUrl' | 'dataDir'> {
  readonly baseModel: string;
  readonly output: string;
}

/** Merges a checkpoint, or an adapter that was downloaded, into its base model, as a Hugging Face checkpoint. */
export async function run(context: CommandContext, options: ExportOptions, source: string): Promise<void> {
  const { output } = options;
  const merge = async (directory: string): Promise<void> => {
    const { exportMerged } = await import('../../local/index.js');
    await exportMerged({ directory, output, ...splitBaseModel(options.baseModel) });
  };
  if (source.startsWith('tinker://')) {
    const downloads = await mkdtemp(path.join(tmpdir(), 'rxtinker-export-'));
    try {
      await download(context, options, source, path.join(downloads, 'adapter'));
      await merge(path.join(downloads, 'adapter'));
    } finally {
      await rm(downloads, { recursive: true, force: true });
    }
  } else await merge(source);
  context.print({ source, destination: output }, `Wrote ${output}.`);
}

async function download(
  context: CommandContext,
  { baseUrl, dataDir }: ExportOptions,
  checkpoint: string,
  directory: string,
): Promise<void> {
  await using service = await openServer(context, {
    ...(baseUrl !== undefined && { baseUrl }),
    ...(dataDir !== undefined && { dataDir }),
  });
  await context.wait(
    service.rest.downloadCheckpoint(checkpoint, { directory }).pipe(ignoreElements(), endWith(undefined)),
  );
}
