export { undiciTransport as defaultTransport } from './undiciTransport.js';
