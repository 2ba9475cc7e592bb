import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The lines of the table under "When things go wrong": what goes wrong, what is seen, what comes of it, the test. */
const section = /## When things go wrong\n(.*?)\n## /s.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
const lines = section
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

/** What a line's test must speak of. */
const evidence: Readonly<Record<string, RegExp>> = {
  'a request or its answer is lost': /'lost request'[^]*'lost answer'[^]*'duplicate'[^]*'late request'/,
  'a proxy answers 408': /'status of a proxy'[^]*'status with retry-after'[^]*'empty 400'/,
  '429,': /json\(429/,
  '402,': /json\(402/,
  'an access token ends': /auth\/token/,
  'an answer is cut in half': /'cut answer'/,
  'the server has dropped a result': /an evicted promise/,
  'the server no longer has the model': /an unloaded model/,
  'an operation failed': /a failure of the server[^]*a user’s error/,
  'a checkpoint is gone': /is corrupted[^]*is gone/,
  'it fails again and again': /maxResumes/,
  'nobody answers': /'lane_broken', 'connection_lost'/,
  'a part of a batch': /gradient_dirty/,
  'the server is killed': /killServerAt/,
  'your program is killed': /killClientAt/,
  'your program ends without': /SIGTERM/,
  'your event loop is blocked': /event loop/,
  'the server’s computing': /heartbeats of/,
  'a save finds its name taken': /checkpoint_exists/,
  'the server’s disk is full': /full/,
  'a download breaks off': /breaks off at 90 %/,
  'an archive would write outside': /refuses a name with/,
};

describe('the table of what goes wrong', () => {
  it('has a line for each fault that a test is known for', () => {
    expect(lines).toHaveLength(Object.keys(evidence).length);
  });

  it.each(lines)('%s: %s', (fault = '', seen = '', outcome = '', test = '') => {
    expect([fault, seen, outcome]).not.toContain('');
    const [, file = ''] = /\((test\/[\w./]+)\)/.exec(test) ?? [];
    expect(existsSync(file)).toBe(true);
    const [, pattern] = Object.entries(evidence).find(([start]) => fault.startsWith(start)) ?? [];
    expect(readFileSync(file, 'utf8')).toMatch(pattern ?? /^$/);
  });
});
