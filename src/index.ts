export type { Identity } from './auth/identity.js';
export { Operation, type ResultOptions } from './clients/operation.js';
export type { OperationProgress, QueueState } from './clients/operationProgress.js';
export type { OperationEvent, OperationMetrics } from './clients/modelContext.js';
export { AdminClient, type AuditLogOptions } from './clients/admin.js';
export { RestClient } from './clients/rest.js';
export type { DownloadProgress } from './clients/downloadProgress.js';
export type { DownloadOptions } from './clients/restDownload.js';
export type { CopyWeightsOptions, ScopeOptions } from './clients/restOptions.js';
export type { ListOptions, TrainingRunListOptions } from './clients/restLists.js';
export type { AccessScope } from './clients/restPaths.js';
export type { SaveExternalOptions } from './clients/saveExternalRequest.js';
export { ServiceClient } from './clients/service.js';
export type { ServiceOptions } from './clients/serviceOptions.js';
export type { SessionEnd } from './clients/session.js';
export type { CreateLoraOptions } from './clients/createModel.js';
export type { CreateFromStateOptions } from './clients/createFromState.js';
export { TrainingClient } from './clients/training.js';
export type {
  CallOptions,
  CustomLossOptions,
  LoadStateOptions,
  PassOptions,
  SaveAndSampleOptions,
  SaveStateOptions,
  SaveWeightsOptions,
  TokenizerOptions,
} from './clients/trainingOptions.js';
export type { ChunkLimits } from './clients/forwardBackwardWork.js';
export { type ComputeLogprobsOptions, SamplingClient } from './clients/sampling.js';
export type { SampleRequest } from './clients/sampleRequest.js';
export type { SamplingSessionOptions } from './clients/samplingSession.js';
export type { LoadTokenizer } from './clients/serviceContext.js';
export type { Telemetry, TelemetryEvent } from './clients/telemetry.js';
export {
  type OpenTelemetryApi,
  type OpenTelemetrySpan,
  type OpenTelemetryTracer,
  type OperationSpan,
  type TracedOperation,
  type Tracer,
  openTelemetry,
} from './clients/tracing.js';
export { usingTrainingClient } from './clients/usingTrainingClient.js';
export { type ConfigOptions, HOSTED_BASE_URL } from './config.js';
export { type SentOperation, TinkerError, type TinkerErrorCode, type TinkerErrorDetails } from './errors.js';
export {
  type BatchFunction,
  type BatchLoss,
  type ClipThresholds,
  type CustomLoss,
  type ElasticNetOptions,
  type GradientFunction,
  type GradientLoss,
  type KlEstimator,
  type KlOptions,
  type LossInputs,
  type LossValue,
  type LossWithGradients,
  type PerDatumLoss,
  type RegularizerOptions,
  type Tfjs,
  type TfjsFunction,
  type TfjsLoss,
  type TfjsLossOptions,
  Expression,
  batchLoss,
  cispoLoss,
  consistencyPenalty,
  crossEntropyLoss,
  droLoss,
  elasticNetPenalty,
  entropyEstimate,
  gradientLoss,
  importanceSamplingLoss,
  klEstimate,
  l1Penalty,
  l2Penalty,
  lossInput,
  ppoLoss,
  tfjsLoss,
} from './losses/index.js';
export { type Logger, type LogLevel, consoleLogger, silentLogger } from './log.js';
export {
  type BuildTokenizer,
  type Fetcher,
  type LoadTokenizerOptions,
  type Tokenizer,
  type TokenizerCache,
  type TokenizerLibrary,
  type XenovaTokenizer,
  fromXenova,
  huggingFace,
  loadTokenizer,
  tokenizerId,
  xenova,
  xenovaTokenizer,
} from './tokenizer/index.js';
export {
  type FetchTransportOptions,
  type Handle,
  type LocalRequest,
  type Pool,
  type Random,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type UndiciTransportOptions,
  fetchTransport,
  localTransport,
  undiciTransport,
} from './transport/index.js';
export type { CheckpointEntry, CheckpointLog } from './training/checkpointLog.js';
export { fileCheckpointLog } from './training/fileCheckpointLog.js';
export { type LoggedStep, type MetricsLogOptions, metricsLog } from './training/metricsLog.js';
export { type ResumableEvent, type ResumableOptions, resumable } from './training/resumable.js';
export { SDK_VERSION } from './clients/version.js';
export {
  type AdamParams,
  type ArchiveUrl,
  type AuditLogEntry,
  type BillingEvent,
  type BillingUsage,
  type BillingUsageEvent,
  type Checkpoint,
  type CheckpointStorage,
  type CheckpointStorageItem,
  type Datum,
  type DmelChunk,
  type EncodeWith,
  type EncodedTextChunk,
  type ExternalWeights,
  type ExternalWeightsUrls,
  type ForwardBackwardOutput,
  type ImageAssetPointerChunk,
  type ImageChunk,
  type LoraConfig,
  type LossConfig,
  type LossName,
  type ModelData,
  type ModelInfo,
  type ModelInputChunk,
  type OptimStepOutput,
  type PassFormat,
  type Provenance,
  type ProvenanceSpan,
  type SampleOutput,
  type SampledSequence,
  type SamplingParams,
  type SavedSamplerWeights,
  type SavedState,
  type SamplerInfo,
  type ServerCapabilities,
  type SessionFailureReason,
  type SessionInfo,
  type SessionOwner,
  type SessionSearch,
  type SessionStatus,
  type SessionStatusQuery,
  type SessionSummary,
  type SparseIndices,
  type SupportedModel,
  type TensorArray,
  type TensorDtype,
  type TensorFactory,
  type TensorInput,
  type TextTokenizer,
  type TokenLogprob,
  type TrainingRun,
  type WeightsInfo,
  ModelInput,
  TensorData,
  lossNames,
} from './wire/index.js';
