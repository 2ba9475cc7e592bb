import { TinkerError } from '../../errors.js';

/** Name and revision of a repository, as far as they are given. */
export interface RepoOptions {
  readonly repo?: string;
  readonly revision?: string;
}

/** A repository of the hub. */
export interface ModelRepo {
  /** `owner/name`. */
  readonly name: string;
  /** Missing: the main branch. */
  readonly revision?: string;
}

/** @throws TinkerError `invalid_argument` for a name that the hub would refuse */
export function checkRepoName(repo: string): void {
  if (/^(?:\w[\w.-]*\/)?\w[\w.-]*$/.test(repo) && repo.length <= 96 && !/--|\.\./.test(repo)) return;
  throw new TinkerError(
    'invalid_argument',
    `Expected --repo to be like owner/name, got ${JSON.stringify(repo)}. ` +
      'A name has letters, digits, single - and ., and _, 96 characters at most.',
  );
}

/**
 * The repository that options mean. Without a name it is one of the training run, tinker-<base model>-<run>, and the
 * revision is named after the checkpoint, so that a run's checkpoints lie side by side.
 *
 * @param user owner of what names none
 * @param checkpoint path of the checkpoint
 */
export function modelRepo(options: RepoOptions, user: string, baseModel: string, checkpoint: string): ModelRepo {
  const [, run = '', ...rest] = /^tinker:\/\/([^/]+)\/(.*)$/.exec(checkpoint) ?? [];
  const { repo = plain(`tinker-${baseModel.split('/').at(-1) ?? baseModel}-${run}`) } = options;
  const { revision = options.repo === undefined ? plain(rest.join('/')) : undefined } = options;
  const name = repo.includes('/') ? repo : `${user}/${repo}`;
  return { name, ...(revision !== undefined && { revision }) };
}

/** A text as a name on the hub. */
function plain(text: string): string {
  return text
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/-{2,}/g, '-')
    .replaceAll(/\.{2,}/g, '.')
    .slice(0, 80)
    .replaceAll(/^[-_.]+|[-_.]+$/g, '');
}
