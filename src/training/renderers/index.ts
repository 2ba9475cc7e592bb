export {
  type ChatDatumOptions,
  type ChatRenderer,
  chatRenderer,
  type ParsedResponse,
  type RenderedConversation,
} from './chatRenderer.js';
export type { ReasoningEffort } from './formats/gptOss.js';
export type { Message, Role } from './message.js';
export { recommendedRenderer, type RendererName, rendererNames, type RendererOptions } from './rendererNames.js';
export { type TrainOn, trainOnModes } from './trainOn.js';
