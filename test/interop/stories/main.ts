// Checks that stories15M, converted from llama2.c's format, is the model it was: coherent, sure of what it writes, and
// fine-tuned in a few steps. Usage: node dist/test/interop/stories/main.js; ends with 77 where it can't be fetched.
import { installStories, Unavailable } from './installStories.js';
import { tellStories } from './tellStories.js';

try {
  installStories();
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.log(`SKIP stories15M can't be fetched: ${error.message}`);
  process.exit(77);
}

const { story, storyLoss, losses, storyAfter } = await tellStories(console.log);
const [first = NaN, last = NaN] = [losses[0], losses.at(-1)];
const words = story.match(/[A-Za-z']+/g) ?? [];
const checks = {
  'the story has sentences about Lily': /\bLily\b.*[.!?]/s.test(story.slice(60)) && words.length > 80,
  [`its loss is 0.5 nats a token or less: ${storyLoss.toFixed(3)}`]: storyLoss <= 0.5,
  [`ten steps bring the loss down by a third: ${first.toFixed(3)} to ${last.toFixed(3)}`]: last <= (2 / 3) * first,
  'the story is another one afterwards': storyAfter !== story,
};
for (const [name, good] of Object.entries(checks)) {
  console.log(`${good ? 'PASS' : 'FAIL'} ${name}`);
  if (!good) process.exitCode = 1;
}
