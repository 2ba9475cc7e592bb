export { type LocalServer, type LocalServerOptions, startLocalServer } from './startLocalServer.js';
export { type LocalServiceOptions, localService } from './localService.js';
export type { RuntimeName } from './engine/runtime.js';
export type { ServerLog } from './server/serverLog.js';
export type { ServerRequest } from './server/serverRequest.js';
export type { ServerResponse } from './server/serverResponse.js';
export { type Passage, tinyPassages, tinyText } from './models/index.js';
export { type ImportAdapterOptions, importAdapter } from './importAdapter.js';
export { type ExportMergedOptions, exportMerged } from './exportMerged.js';
