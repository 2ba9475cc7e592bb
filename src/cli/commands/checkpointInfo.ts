import { find, forkJoin, throwIfEmpty } from 'rxjs';
import { parseTinkerPath } from '../../clients/tinkerPath.js';
import { TinkerError } from '../../errors.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { byteSize, time } from '../output/quantities.js';
import { snakeJson } from '../output/snakeJson.js';
import { fields } from '../output/table.js';

/** Shows a checkpoint. */
export async function run(context: CommandContext, options: ServerOptions, path: string): Promise<void> {
  const { trainingRunId } = parseTinkerPath(path);
  await using service = await openServer(context, options);
  const { rest } = service;
  const [checkpoint, weights] = await context.wait(
    forkJoin([
      rest.listCheckpoints(trainingRunId).pipe(find(({ tinkerPath }) => tinkerPath === path)),
      rest.getWeightsInfoByTinkerPath(path),
    ]).pipe(throwIfEmpty(() => missing(path))),
  );
  if (checkpoint === undefined) throw missing(path);
  const { isLora, loraRank } = weights;
  const text = fields({
    Checkpoint: checkpoint.tinkerPath,
    Type: checkpoint.checkpointType,
    'Base model': weights.baseModel,
    LoRA: isLora ? `rank ${loraRank ?? '?'}` : 'no',
    Size: byteSize(checkpoint.sizeBytes),
    Public: checkpoint.public ? 'yes' : 'no',
    Created: time(checkpoint.time),
    Expires: checkpoint.expiresAt === undefined ? 'never' : time(checkpoint.expiresAt),
    Metadata: checkpoint.userMetadata && JSON.stringify(checkpoint.userMetadata),
  });
  context.print(snakeJson({ ...checkpoint, isLora, loraRank }), text);
}

function missing(path: string): TinkerError {
  return new TinkerError('not_found', `There is no checkpoint ${path}. See rxtinker checkpoint list.`);
}
