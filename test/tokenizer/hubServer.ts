import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the hub was asked. */
export interface HubRequest {
  readonly path: string;
  readonly authorization: string | undefined;
}

/** A hub on a free port of this machine. */
export interface HubServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly requests: readonly HubRequest[];
  /** How many requests were cut off before they were answered. */
  readonly aborted: () => number;
}

/** Starts a hub that answers each request by `answer`; one that never ends its response is slow. */
export async function hubServer(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<HubServer> {
  const requests: HubRequest[] = [];
  let aborted = 0;
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', authorization: request.headers.authorization });
    response.on('close', () => {
      if (!response.writableFinished) aborted++;
    });
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    aborted: () => aborted,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
