// What the checks share: running a command, a clean environment, a report that ends in an exit code.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A new folder in the machine's temporary folder; it is removed when the process ends. */
export function temporaryFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rxtinker-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a program gets that must work without keys, settings or anybody's caches. */
export function cleanEnvironment(home) {
  const { PATH, SystemRoot, TEMP, TMPDIR, LANG } = process.env;
  const kept = { PATH, SystemRoot, TEMP, TMPDIR, LANG, HOME: home, USERPROFILE: home, NO_COLOR: '1' };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

/** Runs a command to its end. `status` is null where it was ended by a signal or by the time limit. */
export function run(command, args, { cwd = root, env = process.env, limitSeconds = 600, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000);
    let output = '';
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      output += chunk;
      if (show) process.stdout.write(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
      if (show) process.stderr.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      const seconds = (performance.now() - started) / 1000;
      if (status === null) output += `\nended after ${seconds.toFixed(1)} s, limit ${limitSeconds} s\n`;
      resolve({ status, output, stdout, seconds });
    });
  });
}

/** Collects failures, prints each where it happens, and sets the exit code of the process. */
export class Report {
  #failures = 0;
  #passes = 0;

  pass(name, seconds) {
    this.#passes += 1;
    console.log(`ok    ${name}${seconds === undefined ? '' : ` (${seconds.toFixed(1)} s)`}`);
  }

  fail(name, detail) {
    this.#failures += 1;
    process.exitCode = 1;
    console.log(`FAIL  ${name}\n${detail.trimEnd().replace(/^/gm, '      ')}`);
  }

  /** The last line; a check that found nothing to check has failed. */
  end(what) {
    if (this.#passes + this.#failures === 0) this.fail(what, 'nothing was found to check');
    console.log(`${what}: ${this.#passes} good, ${this.#failures} bad`);
  }
}

/** Does `work` for every item, at most `width` at a time. */
export async function eachOf(items, width, work) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
