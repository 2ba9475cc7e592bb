import { listen } from '../../transport/testServer.js';

/** A request as the stub got it. */
export interface StubRequest {
  /** For example `GET /api/v1/sessions?limit=20`. */
  readonly line: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; undefined where there was none, for protobuf too. */
  readonly body: unknown;
}

/** An answer; 200 and `{}` where nothing else is said. */
export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

/** An HTTP server on a free port that answers as a function says, and keeps what it was asked. */
export async function stubServer(
  answer: (request: StubRequest) => StubAnswer | Promise<StubAnswer>,
): Promise<{ readonly url: string; readonly requests: StubRequest[] }> {
  const requests: StubRequest[] = [];
  const url = await listen((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const isJson = incoming.headers['content-type'] === 'application/json';
      const request = {
        line: `${incoming.method ?? ''} ${incoming.url ?? ''}`,
        headers: incoming.headers,
        body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
      };
      requests.push(request);
      void Promise.resolve(answer(request)).then(({ status = 200, headers = {}, json = {} }) => {
        const body = JSON.stringify(json);
        response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...headers });
        response.end(body);
      });
    });
  });
  return { url, requests };
}
