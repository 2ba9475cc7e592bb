import type { SamplingClient } from '../clients/sampling.js';
import type { ServiceClient } from '../clients/service.js';
import type { CommandContext } from './commandContext.js';

/** A client that samples from a checkpoint, `tinker://…`, or from a base model. */
export function openSampling(context: CommandContext, service: ServiceClient, model: string): Promise<SamplingClient> {
  const open = (options: { modelPath: string } | { baseModel: string }) => service.createSamplingClient(options);
  return context.wait(model.startsWith('tinker://') ? open({ modelPath: model }) : open({ baseModel: model }));
}
