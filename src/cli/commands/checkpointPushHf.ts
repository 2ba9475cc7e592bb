import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { filter, from, map, tap } from 'rxjs';
import * as z from 'zod';
import { checkTinkerPath } from '../../clients/tinkerPath.js';
import { TinkerError } from '../../errors.js';
import type { CommandContext } from '../commandContext.js';
import { Hub } from '../huggingFace/hub.js';
import { hubAccess } from '../huggingFace/hubAccess.js';
import { type FilePatterns, fileFilter } from '../huggingFace/filePatterns.js';
import { modelCard } from '../huggingFace/modelCard.js';
import { type RepoOptions, checkRepoName, modelRepo } from '../huggingFace/modelRepo.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { fields } from '../output/table.js';

interface PushHfOptions extends ServerOptions, RepoOptions, FilePatterns {
  readonly public?: boolean;
  readonly commitMessage?: string;
  readonly createPr?: boolean;
  readonly modelCard: boolean;
}

const configFile = 'adapter_config.json';
const cardFile = 'README.md';
const adapterConfig = z.looseObject({ r: z.int().optional() });

/** Uploads a checkpoint's adapter to the Hugging Face hub. */
export async function run(context: CommandContext, options: PushHfOptions, checkpoint: string): Promise<void> {
  const { live, quiet } = context;
  checkTinkerPath(checkpoint);
  if (options.repo !== undefined) checkRepoName(options.repo);
  const isWanted = fileFilter(options);
  const hub = await Hub.open(hubAccess(context.env), context.signal);
  const user = await context.wait(from(hub.user()));
  const directory = await mkdtemp(path.join(tmpdir(), 'rxtinker-push-'));
  const tell = (text: string): void => {
    if (!quiet) live.update(text);
  };
  try {
    tell(`downloading ${checkpoint}`);
    const { names, baseModel } = await download(context, options, checkpoint, directory);
    const loraRank = await nameBaseModel(path.join(directory, configFile), baseModel);
    const repo = modelRepo(options, user, baseModel, checkpoint);
    const { name, revision } = repo;
    if (options.modelCard && !names.includes(cardFile)) {
      const facts = { baseModel, checkpoint, repo: name, ...(revision !== undefined && { revision }) };
      const card = modelCard({ ...facts, ...(loraRank !== undefined && { loraRank }) });
      await writeFile(path.join(directory, cardFile), card);
      names.push(cardFile);
    }
    const files = names.filter(isWanted);
    if (files.length === 0)
      throw new TinkerError(
        'invalid_argument',
        `Expected a file that the patterns let through, got ${names.join(', ')}. Correct --allow-pattern or --ignore-pattern.`,
      );
    tell(`uploading to ${name}`);
    const isPublic = await context.wait(from(hub.prepare(repo, options.public === true)));
    if (options.public === true && !isPublic)
      context.notice(`${name} was there before and stays private; its settings on the hub change that.`);
    const { commitMessage: message = `Upload ${checkpoint}`, createPr = false } = options;
    const pullRequest = await context.wait(from(hub.upload(repo, { directory, files, message, createPr })));
    live.clear();
    context.print(
      { checkpoint_path: checkpoint, repo_id: name, revision, public: isPublic, pull_request_url: pullRequest },
      fields({
        Checkpoint: checkpoint,
        Repository: name,
        Revision: revision,
        Public: isPublic ? 'yes' : 'no',
        Files: files.join(', '),
        'Pull request': pullRequest,
      }),
    );
  } finally {
    live.clear();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Downloads an adapter; gives the names of its files and what it was trained on. */
async function download(
  context: CommandContext,
  options: ServerOptions,
  checkpoint: string,
  directory: string,
): Promise<{ names: string[]; baseModel: string }> {
  await using service = await openServer(context, options);
  const { rest } = service;
  const { baseModel } = await context.wait(rest.getWeightsInfoByTinkerPath(checkpoint));
  const names = await context.wait(
    rest.downloadCheckpoint(checkpoint, { directory }).pipe(
      tap((progress) => {
        if (progress.type === 'receiving' && !context.quiet) context.live.update(`downloading ${progress.file}`);
      }),
      filter((progress) => progress.type === 'finished'),
      // A mark of older servers that an archive is whole.
      map(({ files }) => files.map(({ name }) => name).filter((name) => name !== 'checkpoint_complete')),
    ),
  );
  if (!names.includes(configFile) || !names.some((name) => /^adapter_model\.(safetensors|bin)$/.test(name)))
    throw new TinkerError(
      'invalid_response',
      `Expected an adapter of PEFT, got ${names.join(', ')}. Encrypted weights and other files can't be uploaded.`,
    );
  return { names, baseModel };
}

/** Writes the base model's name into an adapter's configuration; gives its rank. */
async function nameBaseModel(file: string, baseModel: string): Promise<number | undefined> {
  const config = adapterConfig.parse(JSON.parse(await readFile(file, 'utf8')));
  await writeFile(file, `${JSON.stringify({ ...config, base_model_name_or_path: baseModel }, undefined, 2)}\n`);
  return config.r;
}
