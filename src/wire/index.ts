export { toWireAdamParams, type AdamParams, type WireAdamParams } from './adamParams.js';
export { fromBase64, toBase64 } from './base64.js';
export { auditLogSchema, type AuditLogEntry } from './auditLog.js';
export { billingUsageSchema, type BillingEvent, type BillingUsage, type BillingUsageEvent } from './billingUsage.js';
export { snakeCase } from './camelCase.js';
export { checkNumber } from './checkNumber.js';
export { checkpointListSchema, cursorSchema, type Checkpoint, type CheckpointList, type Cursor } from './checkpoint.js';
export { checkpointStorageSchema, type CheckpointStorage, type CheckpointStorageItem } from './checkpointStorage.js';
export { clientConfigSchema, defaultClientConfig, type ClientConfig } from './clientConfig.js';
export {
  decodeForwardBackwardOutput,
  encodeForwardBackward,
  modelInputJson,
  sampleOutputDecoder,
  tensorDataJson,
  type EncodedRequest,
  type ForwardBackwardRequest,
  type PassFormat,
} from './codec.js';
export { copiedWeightsSchema } from './copiedWeights.js';
export { createdLossSchema } from './createdLoss.js';
export type { Datum, PreparedDatum } from './datum.js';
export { defaultDynamicConfig, dynamicConfigSchema, type DynamicConfig } from './dynamicConfig.js';
export {
  archiveUrlSchema,
  externalWeightsUrlsSchema,
  type ArchiveUrl,
  type ExternalWeightsUrls,
} from './downloadUrls.js';
export { errorMessage } from './errorMessage.js';
export { externalWeightsSchema, type ExternalWeights } from './externalWeights.js';
export { forwardBackwardOutputSchema, type ForwardBackwardOutput } from './forwardBackwardOutput.js';
export { readFutureAnswer, type FutureAnswer, type QueueState, type ResultBody } from './futureAnswer.js';
export { futurePromiseSchema, type FuturePromise } from './futurePromise.js';
export { toWireLoraConfig, type LoraConfig, type WireLoraConfig } from './loraConfig.js';
export { toWireLossConfig, type LossConfig } from './lossConfig.js';
export { checkLossName, lossNames, type LossName } from './lossName.js';
export { createdModelSchema, modelInfoSchema, type ModelData, type ModelInfo } from './modelInfo.js';
export { ModelInput, type EncodeWith, type TextTokenizer } from './modelInput.js';
export {
  chunkBytes,
  type DmelChunk,
  type EncodedTextChunk,
  type ImageAssetPointerChunk,
  type ImageChunk,
  type ModelInputChunk,
} from './modelInputChunk.js';
export { optimStepOutputSchema, type OptimStepOutput } from './optimStepOutput.js';
export type { Provenance, ProvenanceSpan } from './provenance.js';
export { parseJson, readResponse } from './readResponse.js';
export { sampleOutputSchema, type SampledSequence, type SampleOutput, type TokenLogprob } from './sampleOutput.js';
export { samplerInfoSchema, type SamplerInfo } from './samplerInfo.js';
export { toWireSamplingParams, type SamplingParams, type WireSamplingParams } from './samplingParams.js';
export {
  loadedWeightsSchema,
  savedSamplerWeightsSchema,
  savedStateSchema,
  type SavedSamplerWeights,
  type SavedState,
} from './savedWeights.js';
export { serverCapabilitiesSchema, type ServerCapabilities, type SupportedModel } from './serverCapabilities.js';
export { joinedSamplerSchema, samplingSessionSchema, sessionSchema, type Session } from './session.js';
export { sessionInfoSchema, sessionListSchema, type SessionInfo } from './sessionInfo.js';
export {
  toWireSessionSearch,
  type SessionOwner,
  type SessionSearch,
  type SessionStatusQuery,
} from './sessionSearch.js';
export {
  sessionSearchPageSchema,
  type SessionFailureReason,
  type SessionSearchCursor,
  type SessionSearchPage,
  type SessionStatus,
  type SessionSummary,
} from './sessionSummary.js';
export type { SparseIndices } from './sparseIndices.js';
export { TensorData, type TensorArray, type TensorDtype, type TensorFactory } from './tensorData.js';
export { toTensorData, type TensorInput } from './toTensorData.js';
export { traceExportSchema, type TraceExport } from './traceExport.js';
export { trainingRunListSchema, trainingRunSchema, type TrainingRun, type TrainingRunList } from './trainingRun.js';
export { validateData } from './validateData.js';
export { weightsInfoSchema, type WeightsInfo } from './weightsInfo.js';
export { WireFormat } from './wireFormat.js';
