import { expect, test } from 'vitest';
import { runCommand } from './runCommand.js';

test.each(['name', '=dir', 'name='])('rxtinker serve --base-model takes NAME=DIR, not %s', async (text) => {
  const { code, err } = await runCommand(['serve', '--base-model', text]);
  expect(code).toBe(2);
  expect(err).toContain(`Expected --base-model to be NAME=DIR, got ${JSON.stringify(text)}.`);
});

test('rxtinker serve --base-model says what a directory lacks', async () => {
  const { code, err } = await runCommand(['serve', '--base-model', 'a/b=/nowhere']);
  expect(code).toBe(1);
  expect(err).toContain('as base model a/b, got /nowhere without a config.json');
});
