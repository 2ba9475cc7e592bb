import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { TinkerError, type TinkerErrorCode } from '../../errors.js';
import type { HubAccess } from './hubAccess.js';
import type { ModelRepo } from './modelRepo.js';

type HubLibrary = typeof import('@huggingface/hub');

/** How files are added to a repository. */
export interface UploadOptions {
  readonly directory: string;
  /** In the directory, and so in the repository. */
  readonly files: readonly string[];
  readonly message: string;
  /** As a pull request, which changes nothing before it is merged. */
  readonly createPr: boolean;
}

/** The Hugging Face hub, by its own library, an optional package that is loaded when it is needed. */
export class Hub {
  private constructor(
    private readonly library: HubLibrary,
    private readonly access: HubAccess,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws TinkerError `invalid_config` where the package is missing */
  static async open(access: HubAccess, signal: AbortSignal): Promise<Hub> {
    try {
      return new Hub(await import('@huggingface/hub'), access, signal);
    } catch (cause) {
      throw new TinkerError(
        'invalid_config',
        'Expected the optional package @huggingface/hub, which could not be imported. ' +
          'Install it with "npm install @huggingface/hub".',
        { cause },
      );
    }
  }

  /** The name of whom the token belongs to. */
  async user(): Promise<string> {
    const { name } = await this.ask('say whose token this is', () => this.library.whoAmI(this.call));
    return name;
  }

  /**
   * Makes a repository and its branch where they are missing; gives whether everybody can read it.
   *
   * @throws TinkerError `conflict` for one that everybody can read where that is not wanted
   */
  async prepare({ name, revision }: ModelRepo, isPublic: boolean): Promise<boolean> {
    const repo = { type: 'model', name } as const;
    const present = await this.ask(`show ${name}`, () =>
      this.library.modelInfo({ ...this.call, name }).catch((error: unknown) => {
        if (error instanceof this.library.HubApiError && error.statusCode === 404) return undefined;
        throw error;
      }),
    );
    if (present !== undefined && !present.private && !isPublic)
      throw new TinkerError(
        'conflict',
        `Expected ${name} to be private or new, but everybody can read it. Give --public to upload to it, or another --repo.`,
      );
    if (present === undefined)
      await this.ask(`make ${name}`, () =>
        this.library.createRepo({ ...this.call, repo, visibility: isPublic ? 'public' : 'private' }),
      );
    if (revision !== undefined && revision !== 'main' && !revision.startsWith('refs/'))
      await this.ask(`make the branch ${revision} of ${name}`, () =>
        // This leaves a branch that is there as it is.
        this.library.createBranch({ ...this.call, repo, branch: revision, overwrite: true }),
      );
    return present === undefined ? isPublic : !present.private;
  }

  /** Adds files in one commit; gives the address of the pull request, if it is one. */
  async upload({ name, revision }: ModelRepo, options: UploadOptions): Promise<string | undefined> {
    const { directory, files, message, createPr } = options;
    const done = await this.ask(`take the files for ${name}`, () =>
      this.library.uploadFiles({
        ...this.call,
        repo: { type: 'model', name },
        files: files.map((file) => ({ path: file, content: pathToFileURL(path.join(directory, file)) })),
        commitTitle: message,
        branch: revision,
        isPullRequest: createPr,
        // Git LFS alone: an adapter has no parts that the hub has already.
        useXet: false,
      }),
    );
    return done?.pullRequestUrl;
  }

  private get call(): { accessToken: string; hubUrl: string; fetch: typeof fetch } {
    return {
      accessToken: this.access.token,
      hubUrl: this.access.endpoint,
      fetch: (input, init) => fetch(input, { ...init, signal: init?.signal ?? this.signal }),
    };
  }

  private async ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  private failure(what: string, error: unknown): TinkerError {
    const { endpoint, token } = this.access;
    if (!(error instanceof this.library.HubApiError)) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      return new TinkerError(
        'connection_failed',
        `Expected ${endpoint} to ${what}, and it did not: ${cause.replaceAll(token, '…').replace(/\.?$/, '.')} ` +
          'Check the connection, or HF_ENDPOINT.',
        { retryable: true },
      );
    }
    const { statusCode: status, data } = error;
    const said = [data?.error, data?.message].find((text) => typeof text === 'string' && text !== '');
    const reason = typeof said === 'string' ? `: ${said.slice(0, 300).replaceAll(token, '…').replace(/\.$/, '')}` : '';
    const [code, advice] = meaning(status);
    return new TinkerError(code, `Expected ${endpoint} to ${what}, got status ${status}${reason}. ${advice}`, {
      details: { status },
    });
  }
}

function meaning(status: number): [TinkerErrorCode, string] {
  switch (status) {
    case 401:
      return ['unauthenticated', 'Set HF_TOKEN to a token that is valid.'];
    case 403:
      return ['permission_denied', 'Use a token that may write there, or give another --repo.'];
    case 404:
      return ['not_found', 'Check --repo and --revision.'];
    case 409:
      return ['conflict', 'Give another --repo.'];
    case 429:
      return ['rate_limited', 'Try again later.'];
    default:
      return status >= 500 ? ['server_error', 'Try again later.'] : ['bad_request', 'Check --repo and --revision.'];
  }
}
