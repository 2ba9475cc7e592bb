import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { snakeJson } from '../output/snakeJson.js';
import { table } from '../output/table.js';

/** Lists the base models that the server offers, those whose names have a text in them. */
export async function run(context: CommandContext, options: ServerOptions, substring = ''): Promise<void> {
  await using service = await openServer(context, options);
  const { supportedModels } = await context.wait(service.getServerCapabilities());
  const models = supportedModels.filter(({ modelName }) => modelName?.toLowerCase().includes(substring.toLowerCase()));
  const text = table(
    models,
    [
      ['model', ({ modelName }) => modelName],
      ['context', ({ maxContextLength }) => maxContextLength],
    ],
    'No such models.',
  );
  context.print({ models: snakeJson(models) }, text);
}
