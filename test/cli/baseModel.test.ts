import { describe, expect, it } from 'vitest';
import { serve } from '../../src/cli/serve.js';

describe('rxtinker serve --base-model', () => {
  it.each(['name', '=dir', 'name='])('takes NAME=DIR, not %s', async (text) => {
    await expect(serve(['--base-model', text])).rejects.toThrow(
      `Expected --base-model to be NAME=DIR, got ${JSON.stringify(text)}.`,
    );
  });

  it('says what a directory lacks', async () => {
    await expect(serve(['--base-model', 'a/b=/nowhere'])).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('as base model a/b, got /nowhere without a config.json') as string,
    });
  });
});
