import type { TrainingClient } from '../../../src/index.js';
import { failureOf } from '../../contract/support/failureOf.js';
import { distance } from './report.js';
import { type Setting, logprobs, step } from './setting.js';

/** States that are saved, refused a second time, and made into new models. */
export async function checkCheckpoints(setting: Setting, training: TrainingClient): Promise<string> {
  const { report, service, wire } = setting;
  const { path } = await training.saveState('state').result();
  await report.check('saveState', async (compared) => {
    compared.equal('path', path, `tinker://${training.modelId}/weights/state`);
    const again = await failureOf(() => training.saveState('state').result());
    compared.equal('code of a second one', again.code, 'checkpoint_exists');
    compared.true('its message names the checkpoint', again.message.includes('state'));
  });

  const saved = await logprobs(training);
  const resume = async (optimizer: boolean): Promise<TrainingClient> => {
    const before = { paths: wire.paths.length, sent: wire.sent.length };
    const method = optimizer ? 'createTrainingClientFromStateWithOptimizer' : 'createTrainingClientFromState';
    const resumed = await service[method](path).result();
    const first = await logprobs(resumed);
    await report.check(method, (compared) => {
      const paths = wire.paths.slice(before.paths).filter((name) => !/retrieve_future|heartbeat/.test(name));
      const made = ['load_weights', 'weights_info', 'create_model', 'get_info', 'load_weights', 'forward_backward'];
      compared.equal('requests, the first of them refused', paths, made);
      compared.equal('seq_ids', wire.sent.slice(before.sent), ['load_weights 1', 'forward_backward 2']);
      compared.true('it is another model', resumed.modelId !== training.modelId);
      compared.close('logprobs', first, saved, 1e-5);
      return Promise.resolve();
    });
    return resumed;
  };

  const withOptimizer = await resume(true);
  const without = await resume(false);
  await report.check('a step after each', async (compared) => {
    for (const model of [training, withOptimizer, without]) await step(model);
    const [goneOn, resumed, anew] = await Promise.all([training, withOptimizer, without].map(logprobs));
    compared.close('logprobs with the optimizer', resumed ?? [], goneOn ?? [], 1e-4);
    const apart = distance(anew ?? [], goneOn ?? []);
    compared.true(`without it they differ (by ${apart.toFixed(3)})`, apart > 1e-2);
  });
  await Promise.all([withOptimizer, without].map((model) => model.unloadModel().result()));
  return path;
}
