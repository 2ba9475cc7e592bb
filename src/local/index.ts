export { type LocalServer, type LocalServerOptions, startLocalServer } from './startLocalServer.js';
export { type LocalServiceOptions, localService } from './localService.js';
export { type Passage, tinyPassages, tinyText } from './models/index.js';
