export { marbleService } from './marbleService.js';
export { type MarbleAnswers, type MarbleOperation, type MarbleRequest, MarbleTransport } from './marbleTransport.js';
export { seededRandom } from './seededRandom.js';
