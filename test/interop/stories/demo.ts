// Lets a model of 15 million weights tell a story before and after it reads a page of another book.
// Usage: npm run demo:stories
import { Unavailable } from './installStories.js';
import { tellStories } from './tellStories.js';

try {
  await tellStories(console.log);
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.error(`The model can't be fetched: ${error.message}`);
  process.exitCode = 1;
}
