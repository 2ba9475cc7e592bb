export { type WorkerServerOptions, serveInWorker } from './serveInWorker.js';
export type { MessageEnd } from './workerMessage.js';
export { type ServerWorker, type WorkerService, workerService } from './workerService.js';
