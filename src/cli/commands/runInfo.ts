import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { time } from '../output/quantities.js';
import { snakeJson } from '../output/snakeJson.js';
import { fields } from '../output/table.js';

/** Shows a training run. */
export async function run(context: CommandContext, options: ServerOptions, id: string): Promise<void> {
  await using service = await openServer(context, options);
  const found = await context.wait(service.rest.getTrainingRun(id));
  const text = fields({
    'Training run': found.trainingRunId,
    'Base model': found.baseModel,
    Owner: found.modelOwner,
    LoRA: found.isLora ? `rank ${found.loraRank ?? '?'}` : 'no',
    Status: found.corrupted ? 'failed' : 'active',
    'Last request': time(found.lastRequestTime),
    'Last checkpoint': found.lastCheckpoint?.tinkerPath,
    'Last weights for sampling': found.lastSamplerCheckpoint?.tinkerPath,
    Metadata: found.userMetadata && JSON.stringify(found.userMetadata),
  });
  context.print(snakeJson(found), text);
}
