export { marbleService } from './marbleService.js';
export { type MarbleAnswers, type MarbleMethod, type MarbleRequest, MarbleTransport } from './marbleTransport.js';
export { recordTransport } from './recordTransport.js';
export { type ReplayOptions, replayTransport } from './replayTransport.js';
export { seededRandom } from '../../operators/seededRandom.js';
