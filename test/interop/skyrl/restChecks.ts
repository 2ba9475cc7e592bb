import { lastValueFrom, toArray } from 'rxjs';
import type { TrainingClient } from '../../../src/index.js';
import { failureOf } from '../../contract/support/failureOf.js';
import { type Setting, rank } from './setting.js';

/** What the server keeps. */
export async function checkRest(
  { report, service, baseModel }: Setting,
  training: TrainingClient,
  statePath: string,
): Promise<void> {
  const { rest } = service;
  /** The path that listings give; the saving's own has no kind. */
  const samplerPath = `tinker://${training.modelId}/sampler_weights/sampler`;
  const listed = async (): Promise<string[]> =>
    (await lastValueFrom(rest.listCheckpoints(training.modelId).pipe(toArray()))).map(({ tinkerPath }) => tinkerPath);

  await report.check('training runs', async (compared) => {
    const run = await rest.getTrainingRun(training.modelId).result();
    compared.equal('base model', run.baseModel, baseModel);
    compared.equal('rank', run.loraRank, rank);
    const byPath = await rest.getTrainingRunByTinkerPath(statePath).result();
    compared.equal('run of the checkpoint', byPath.trainingRunId, training.modelId);
    const all = await lastValueFrom(rest.listTrainingRuns({ pageSize: 2 }).pipe(toArray()));
    const ids = all.map(({ trainingRunId }) => trainingRunId);
    compared.true(`it is one of ${ids.length}, by pages of 2`, ids.includes(training.modelId) && ids.length > 2);
    compared.equal('different ids', new Set(ids).size, ids.length);
  });

  await report.check('checkpoints', async (compared) => {
    const wanted = [statePath, samplerPath];
    const paths = await listed();
    compared.true(
      `${wanted.join(' and ')} are listed`,
      wanted.every((path) => paths.includes(path)),
    );
    const info = await rest.getWeightsInfoByTinkerPath(statePath).result();
    compared.equal('weights info', [info.baseModel, info.isLora, info.loraRank], [baseModel, true, rank]);
  });

  await report.check('what this server does not have', async (compared) => {
    for (const [what, work] of [
      ['listUserCheckpoints', () => lastValueFrom(rest.listUserCheckpoints().pipe(toArray()))],
      ['listSessions', () => lastValueFrom(rest.listSessions().pipe(toArray()))],
    ] as const) {
      const error = await failureOf(work);
      compared.equal(`code of ${what}`, error.code, 'not_found');
    }
    const archive = await failureOf(() => rest.getCheckpointArchiveUrl(samplerPath).result());
    compared.equal('status of an archive by its listed path', archive.details.status, 405);
    const ttl = await failureOf(() => rest.setCheckpointTtlFromTinkerPath(statePath, 60).result());
    compared.equal('status of a TTL', ttl.details.status, 405);
  });

  await report.check('deleteCheckpoint', async (compared) => {
    await rest.deleteCheckpointFromTinkerPath(statePath).result();
    compared.true(`${statePath} is gone`, !(await listed()).includes(statePath));
    const again = await failureOf(() => rest.deleteCheckpointFromTinkerPath(statePath).result());
    compared.equal('code of a second time', again.code, 'not_found');
  });
}
