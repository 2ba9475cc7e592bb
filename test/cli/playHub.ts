import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the hub got. */
export interface HubRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A repository of the hub. */
export interface HubRepo {
  readonly isPrivate: boolean;
  /** Files by their names, of each branch. */
  readonly branches: Map<string, Map<string, Buffer>>;
  readonly commits: { readonly branch: string; readonly summary: string; readonly isPullRequest: boolean }[];
}

/** A hub on a free port of this machine. */
export interface Hub extends AsyncDisposable {
  readonly endpoint: string;
  readonly token: string;
  readonly requests: HubRequest[];
  readonly repos: Map<string, HubRepo>;
}

/** A new, empty repository. */
export function emptyRepo(isPrivate: boolean): HubRepo {
  return { isPrivate, branches: new Map([['main', new Map<string, Buffer>()]]), commits: [] };
}

interface CommitLine {
  readonly key: string;
  readonly value: { summary: string; path: string; content: string; oid: string; size: number };
}

const parse = (body: Buffer): unknown => JSON.parse(body.toString('utf8'));

/**
 * Plays the part of the Hugging Face hub that an upload needs: repositories, branches, Git LFS by plain PUTs and
 * commits, for one user, `me`, who owns nothing outside `me/` and `team/`. It checks the token and the content's hashes.
 */
export async function playHub(): Promise<Hub> {
  const token = 'hf_SecretOfTheTest';
  const requests: HubRequest[] = [];
  const repos = new Map<string, HubRepo>();
  const stored = new Map<string, Buffer>();
  let endpoint = '';

  const answer = ({ method, url, headers, body }: HubRequest): [status: number, body: unknown] => {
    const { pathname, searchParams } = new URL(url, endpoint);
    const [, upload] = /^\/lfs\/(\w+)$/.exec(pathname) ?? [];
    if (upload !== undefined) {
      const isRight = createHash('sha256').update(body).digest('hex') === upload;
      if (isRight) stored.set(upload, body);
      return isRight ? [200, ''] : [400, { error: 'The content is another.' }];
    }
    if (headers.authorization !== `Bearer ${token}`) return [401, { error: 'Invalid username or password.' }];
    if (pathname === '/api/whoami-v2') return [200, { type: 'user', name: 'me', auth: { type: 'access_token' } }];
    if (pathname === '/api/repos/create') {
      const made = parse(body) as { name: string; organization: string; visibility: string };
      const name = `${made.organization}/${made.name}`;
      if (!['me', 'team'].includes(made.organization))
        return [
          403,
          { error: `You don't have the rights to create a model under the namespace "${made.organization}"` },
        ];
      if (repos.has(name)) return [409, { error: 'You already created this model repo' }];
      repos.set(name, emptyRepo(made.visibility === 'private'));
      return [200, { url: `${endpoint}/${name}`, id: '1' }];
    }
    const [, name = '', what = '', revision = ''] =
      /^(?:\/api\/models)?\/([^/]+\/[^/]+?)(?:\.git\/info\/lfs\/objects)?\/(\w+)(?:\/(.+))?$/.exec(pathname) ?? [];
    const repo = repos.get(name);
    if (repo === undefined) return [404, { error: 'Repository not found' }];
    const branch = decodeURIComponent(revision);
    switch (`${method} ${what}`) {
      case 'GET revision':
        return [200, { _id: '1', id: name, private: repo.isPrivate, gated: false, downloads: 0, likes: 0 }];
      case 'POST branch':
        if (!repo.branches.has(branch)) repo.branches.set(branch, new Map());
        return [200, {}];
      case 'POST preupload': {
        const { files } = parse(body) as { files: { path: string }[] };
        const mode = (file: string): string => (file.endsWith('.safetensors') ? 'lfs' : 'regular');
        return [200, { files: files.map(({ path }) => ({ path, uploadMode: mode(path) })) }];
      }
      case 'POST batch': {
        const { objects } = parse(body) as { objects: { oid: string; size: number }[] };
        const actions = (oid: string) => ({ upload: { href: `${endpoint}/lfs/${oid}` } });
        return [
          200,
          { transfer: 'basic', objects: objects.map((object) => ({ ...object, actions: actions(object.oid) })) },
        ];
      }
      case 'POST commit': {
        const files = repo.branches.get(branch);
        if (files === undefined) return [404, { error: `Invalid rev id: ${branch}` }];
        const isPullRequest = searchParams.get('create_pr') === '1';
        const lines = body.toString('utf8').split('\n');
        for (const line of lines) {
          const { key, value } = JSON.parse(line) as CommitLine;
          if (key === 'header') repo.commits.push({ branch, summary: value.summary, isPullRequest });
          else if (key === 'file') files.set(value.path, Buffer.from(value.content, 'base64'));
          else {
            const content = stored.get(value.oid);
            if (content?.length !== value.size) return [400, { error: `${value.path} was not uploaded` }];
            files.set(value.path, content);
          }
        }
        const pullRequestUrl = isPullRequest ? `${endpoint}/${name}/discussions/1` : undefined;
        return [
          200,
          { success: true, commitOid: 'c0ffee', commitUrl: `${endpoint}/${name}/commit/c0ffee`, pullRequestUrl },
        ];
      }
      default:
        return [404, { error: `There is no ${method} ${pathname}` }];
    }
  };

  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const got = { method, url, headers, body: Buffer.concat(pieces) };
      requests.push(got);
      const [status, body] = answer(got);
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    token,
    requests,
    repos,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
