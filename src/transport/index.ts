export { Api, type ApiCall, type ApiOptions, type ApiRequest, type EncodedBody, type RetryPolicy } from './api.js';
export { fetchTransport, type FetchTransportOptions } from './fetchTransport.js';
export { httpError } from './httpError.js';
export { localTransport, type Handle, type LocalRequest } from './localTransport.js';
export { cryptoRandom, uuid, type Random } from './random.js';
export { retryAfterMs } from './retryAfter.js';
export { decideRetry, isDefiniteRefusal, isRetryableStatus, type RetryDecision } from './retryTable.js';
export type { Pool, Transport, TransportRequest, TransportResponse } from './transport.js';
export { undiciTransport, type UndiciTransportOptions } from './undiciTransport.js';
