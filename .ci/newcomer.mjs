// Plays somebody who has just installed the package: trains on a file, presses Ctrl-C, resumes, samples, lists, downloads.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { cleanEnvironment } from './tools.mjs';

const LIMIT_SECONDS = 120;

const lines = [
  { text: 'Jack and Jill went up the hill to fetch a pail of water.' },
  { text: 'Humpty Dumpty sat on a wall, Humpty Dumpty had a great fall.' },
  { prompt: 'Hickory, dickory, dock. ', completion: 'The mouse ran up the clock.' },
  {
    messages: [
      { role: 'user', content: 'Where is Little Jack Horner?' },
      { role: 'assistant', content: 'He sits in a corner.' },
    ],
  },
];

/** Runs the installed command in the folder that it was installed in, and prints what the terminal shows. */
export async function newcomer(home, report) {
  fs.writeFileSync(path.join(home, 'rhymes.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const started = performance.now();
  const expect = (name, good, output) => {
    if (!good) throw new Error(`${name}\n${output}`);
  };
  try {
    const train = 'train --data rhymes.jsonl --epochs 60 --batch-size 4 --lr 1e-2 --rank 8';
    const stopped = await shown(home, train, { interruptAt: /step\s+\d+\/60/ });
    expect('Ctrl-C ends the training with 130', stopped.status === 130, stopped.output);
    const [, resume] = /\n {2}rxtinker (train --resume .*)\n/.exec(stopped.output) ?? [];
    expect('it says how to go on', resume !== undefined, stopped.output);
    const resumed = await shown(home, resume);
    expect(
      'the training goes on',
      resumed.status === 0 && /Going on at step [1-9]/.test(resumed.output),
      resumed.output,
    );
    const [, sample] = /\n {2}rxtinker (sample --model \S+)/.exec(resumed.output) ?? [];
    const said = await shown(home, `${sample} --temperature 0 --max-tokens 40 Humpty Dumpty sat`);
    expect('it has learned the text', said.stdout.includes('on a wall, Humpty Dumpty had a great fall.'), said.output);
    const listed = await shown(home, 'checkpoint list');
    const [checkpoint] = /tinker:\S+\/weights\/\S+/.exec(listed.stdout) ?? [];
    expect('the checkpoints are listed', checkpoint !== undefined, listed.output);
    const downloaded = await shown(home, `checkpoint download ${checkpoint}`);
    expect('a checkpoint is downloaded', downloaded.stdout.includes('adapter_model.safetensors'), downloaded.output);
    report.pass('a newcomer trains, interrupts, resumes, samples and downloads', (performance.now() - started) / 1000);
  } catch (error) {
    report.fail('a newcomer trains, interrupts, resumes, samples and downloads', error.message);
  }
}

/** Runs a command line of the installed program; shows it and what it writes. */
function shown(home, words, { interruptAt } = {}) {
  console.log(`\n$ rxtinker ${words}`);
  const command = path.join(home, 'node_modules/.bin/rxtinker');
  const child = spawn(process.execPath, [fs.realpathSync(command), ...words.split(' ')], {
    cwd: home,
    env: cleanEnvironment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_SECONDS * 1000);
  let output = '';
  let stdout = '';
  let interrupted = false;
  const take = (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
    if (interruptAt === undefined || interrupted || !interruptAt.test(output)) return;
    interrupted = true;
    console.log('^C');
    child.kill('SIGINT');
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    take(chunk);
  });
  child.stderr.on('data', take);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, output });
    });
  });
}
