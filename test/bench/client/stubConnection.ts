import type { Socket } from 'node:net';

/** What the stub reads of a request. */
export interface StubRequest {
  /** With its query. */
  readonly path: string;
  readonly header: string;
  /** Bodies beyond 64 KiB are counted and thrown away. */
  readonly body: string;
}

const END_OF_HEADER = '\r\n\r\n';
const KEPT_BODY = 65_536;

/** The least of HTTP/1.1 that three clients need, on a raw socket: no routing, no header objects, no streams. */
export function readRequests(socket: Socket, handle: (request: StubRequest) => void): void {
  let waiting: Buffer | undefined;
  let request: { readonly path: string; readonly header: string; readonly kept: boolean } | undefined;
  let bodyLeft = 0;
  let body = '';

  const finish = (): void => {
    const done = request;
    request = undefined;
    if (done !== undefined) handle({ path: done.path, header: done.header, body });
    body = '';
  };

  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (received: Buffer) => {
    const chunk = waiting === undefined ? received : Buffer.concat([waiting, received]);
    waiting = undefined;
    let at = 0;
    while (at < chunk.length) {
      if (request === undefined) {
        const end = chunk.indexOf(END_OF_HEADER, at);
        if (end < 0) {
          waiting = chunk.subarray(at);
          return;
        }
        const header = chunk.toString('latin1', at, end);
        at = end + END_OF_HEADER.length;
        bodyLeft = Number(/content-length: *(\d+)/i.exec(header)?.[1] ?? 0);
        if (bodyLeft === 0 && /transfer-encoding/i.test(header)) throw new Error('Expected no chunked bodies.');
        const path = header.slice(header.indexOf(' ') + 1, header.indexOf(' HTTP/'));
        request = { path, header, kept: bodyLeft <= KEPT_BODY };
      }
      const part = Math.min(bodyLeft, chunk.length - at);
      if (request.kept && part > 0) body += chunk.toString('latin1', at, at + part);
      at += part;
      bodyLeft -= part;
      if (bodyLeft === 0) finish();
    }
  });
}
