import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { tinyModel } from '../../../src/local/engine/tinyModel.js';
import { createServer } from '../../../src/local/server/createServer.js';
import { listen } from '../../../src/local/server/http.js';

/** A server over HTTP with two base models, `small/one` and `small/other`, neither of which ships a tokenizer. */
export async function startSmallServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const weights = { kind: 'random', seed: 1 } as const;
  const config = { ...tinyModel().config, hiddenSize: 8, layers: 1, heads: 1, kvHeads: 1, headDim: 8, ffnSize: 8 };
  const engine = await createInProcessEngine({
    runtime: 'plain',
    baseModels: ['small/one', 'small/other'].map((name) => ({
      ...tinyModel(),
      name,
      config,
      weights,
      tokenizerFile: '/missing',
    })),
  });
  const server = await createServer({ engine });
  const listening = await listen(server);
  return {
    url: listening.url,
    close: async () => {
      await server.close();
      await listening.close();
      await engine.close();
    },
  };
}
