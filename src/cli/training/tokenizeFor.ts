import type { ServiceClient } from '../../clients/service.js';
import {
  type ChatRenderer,
  type RendererName,
  chatRenderer,
  recommendedRenderer,
} from '../../training/renderers/index.js';
import type { Datum } from '../../wire/index.js';
import type { CommandContext } from '../commandContext.js';
import { type Dataset, tokenize } from './readDataset.js';
import type { RunSettings } from './runFolder.js';

/** The examples of some files as data for a base model, by its tokenizer. */
export async function tokenizeFor(
  context: CommandContext,
  service: ServiceClient,
  settings: Pick<RunSettings, 'model' | 'renderer' | 'train_on' | 'max_length'>,
  datasets: readonly Dataset[],
): Promise<Datum[][]> {
  const sampling = await context.wait(service.createSamplingClient({ baseModel: settings.model }));
  const tokenizer = await context.wait(sampling.getTokenizer());
  let made: ChatRenderer | undefined;
  const name: RendererName = settings.renderer ?? recommendedRenderer(settings.model);
  const options = {
    tokenizer,
    renderer: () => (made ??= chatRenderer(name, tokenizer)),
    trainOn: settings.train_on,
    maxLength: settings.max_length,
  };
  return datasets.map((dataset) => tokenize(dataset, options));
}
