// Our client against a SkyRL server on a CPU. Usage: node dist/test/interop/skyrl/main.js; ends with 77 where it can't run.
import { checkCheckpoints } from './checkpointChecks.js';
import { install } from './installation.js';
import { checkRefusals } from './refusalChecks.js';
import { Report, Skip } from './report.js';
import { checkRest } from './restChecks.js';
import { checkSampling } from './samplingChecks.js';
import { type Setting, connect } from './setting.js';
import { SkyrlServer } from './skyrlServer.js';
import { checkTraining } from './trainingChecks.js';

const SKIPPED = 77;

async function main(): Promise<void> {
  const installation = await install();
  const report = new Report();
  await using server = await SkyrlServer.start(installation);
  const setting: Setting = { report, baseUrl: server.url, baseModel: installation.model, ...connect(server.url) };
  try {
    const training = await checkTraining(setting);
    const statePath = await checkCheckpoints(setting, training);
    await checkSampling(setting, training);
    await checkRefusals(setting, training, statePath);
    await checkRest(setting, training, statePath);
    await report.check('unload and close', async (compared) => {
      compared.equal('model', (await training.unloadModel().result()).modelId, training.modelId);
      const started = performance.now();
      await setting.service.close();
      compared.true('close takes less than 2 s', performance.now() - started < 2000);
    });
  } catch (error) {
    console.log(`what the server printed last:\n${server.log.slice(-2000)}`);
    throw error;
  } finally {
    await setting.service.close();
  }
  report.end();
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Skip)) throw error;
  console.log(`SKIP ${error.message}`);
  process.exitCode = SKIPPED;
}
