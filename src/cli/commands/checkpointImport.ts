import { splitBaseModel } from '../baseModels.js';
import type { CommandContext } from '../commandContext.js';

interface ImportOptions {
  readonly baseModel: string;
  readonly dataDir: string;
  readonly name?: string;
}

/** Makes an adapter of Hugging Face PEFT a checkpoint of the embedded server. */
export async function run(context: CommandContext, options: ImportOptions, directory: string): Promise<void> {
  const { dataDir, name } = options;
  const { importAdapter } = await import('../../local/index.js');
  const { path } = await importAdapter({
    ...{ directory, dataDir },
    ...splitBaseModel(options.baseModel),
    ...(name !== undefined && { name }),
    log: (level, message) => {
      if (level === 'warn' || level === 'error') context.log[level](message);
    },
  });
  context.print({ checkpoint_path: path }, path);
}
