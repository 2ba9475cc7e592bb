import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { filter, map, tap } from 'rxjs';
import { TinkerError } from '../../errors.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { byteSize } from '../output/quantities.js';

interface DownloadOptions extends ServerOptions {
  readonly output: string;
  readonly force?: boolean;
}

/** Downloads a checkpoint into a folder that is named after its path. */
export async function run(context: CommandContext, options: DownloadOptions, checkpoint: string): Promise<void> {
  const directory = path.join(options.output, checkpoint.replace(/^tinker:\/\//, '').replaceAll(/[/\\:]/g, '_'));
  if (options.force !== true && existsSync(directory) && readdirSync(directory).length > 0) {
    throw new TinkerError('invalid_config', `There are files in ${directory} already. Give --force to replace them.`);
  }
  await using service = await openServer(context, options);
  const { live, quiet } = context;
  const files = await context
    .wait(
      service.rest.downloadCheckpoint(checkpoint, { directory, overwrite: options.force === true }).pipe(
        tap((progress) => {
          if (quiet) return;
          if (progress.type === 'preparing') live.update('the server prepares the files');
          if (progress.type !== 'receiving') return;
          const { file, receivedBytes, totalBytes } = progress;
          const of = totalBytes === undefined ? '' : ` of ${byteSize(totalBytes) ?? ''}`;
          live.update(`${file}  ${byteSize(receivedBytes) ?? ''}${of}`);
        }),
        filter((progress) => progress.type === 'finished'),
        map((finished) => finished.files),
      ),
    )
    .finally(() => {
      live.clear();
    });
  const size = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const list = files.map(({ name, bytes }) => `  ${name} (${byteSize(bytes) ?? ''})`).join('\n');
  context.print(
    { checkpoint_path: checkpoint, destination: directory, file_size_bytes: size },
    `Downloaded ${checkpoint} to ${directory}:\n${list}`,
  );
}
