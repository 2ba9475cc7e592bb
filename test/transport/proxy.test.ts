import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { undiciTransport, type UndiciTransportOptions } from '../../src/transport/undiciTransport.js';
import { listen, request, text } from './testServer.js';

interface Proxy {
  readonly url: string;
  /** What it was asked to connect to, and with which credentials. */
  readonly asked: { readonly host: string | undefined; readonly authorization: string | undefined }[];
}

/** A proxy that connects everything to one server, whatever host it is asked for. */
async function proxyTo(server: string): Promise<Proxy> {
  const asked: Proxy['asked'] = [];
  const proxy = createServer();
  const sockets: Socket[] = [];
  proxy.on('connect', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    asked.push({ host: incoming.url, authorization: incoming.headers['proxy-authorization'] });
    const upstream = connect(Number(new URL(server).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
}

const echo = (): Promise<string> =>
  listen((incoming, answer) => {
    answer.end(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
  });

async function ask(options: UndiciTransportOptions): Promise<string> {
  const transport = undiciTransport(options);
  onTestFinished(() => lastValueFrom(transport.close(), { defaultValue: undefined }));
  return text((await firstValueFrom(transport.send(request()))).body);
}

describe('a proxy', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('of the option carries requests, with its credentials', async () => {
    const server = await echo();
    const proxy = await proxyTo(server);
    const withPassword = proxy.url.replace('//', '//user:secret@');
    expect(await ask({ baseUrl: `${server}/prefix`, proxy: withPassword })).toBe('POST /prefix/api/v1/x');
    expect(proxy.asked).toEqual([
      { host: new URL(server).host, authorization: `Basic ${Buffer.from('user:secret').toString('base64')}` },
    ]);
  });

  it('of the environment carries requests to other machines, NO_PROXY excepted, and never to this one', async () => {
    const server = await echo();
    const proxy = await proxyTo(server);
    vi.stubEnv('http_proxy', undefined);
    vi.stubEnv('no_proxy', undefined);
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('NO_PROXY', 'other.invalid');
    expect(await ask({ baseUrl: 'http://tinker.invalid' })).toBe('POST /api/v1/x');
    expect(proxy.asked.map(({ host }) => host)).toEqual(['tinker.invalid:80']);
    expect(await ask({ baseUrl: server })).toBe('POST /api/v1/x');
    await expect(ask({ baseUrl: 'http://tinker.invalid', proxy: '' })).rejects.toMatchObject({
      code: 'connection_failed',
    });
    await expect(ask({ baseUrl: 'http://other.invalid' })).rejects.toMatchObject({ code: 'connection_failed' });
    expect(proxy.asked).toHaveLength(1);
  });

  it('out of reach is named, without its password', async () => {
    vi.stubEnv('NO_PROXY', undefined);
    vi.stubEnv('no_proxy', undefined);
    vi.stubEnv('HTTPS_PROXY', 'http://user:secret@127.0.0.1:1');
    const error = 'Could not reach tinker.invalid:443 by the proxy 127.0.0.1:1: nothing listens there (ECONNREFUSED).';
    await expect(ask({ baseUrl: 'https://tinker.invalid' })).rejects.toThrow(error);
    await expect(ask({ baseUrl: 'https://tinker.invalid', proxy: 'http://u:secret@127.0.0.1:1' })).rejects.toThrow(
      error,
    );
    vi.stubEnv('NO_PROXY', 'example.com');
    await expect(ask({ baseUrl: 'https://tinker.invalid' })).rejects.toThrow(
      'by the proxy 127.0.0.1:1, unless NO_PROXY names the server: nothing',
    );
  });

  it('that is no URL is refused without showing it', () => {
    const open = (): unknown => undiciTransport({ baseUrl: 'http://tinker.invalid', proxy: 'user:secret@proxy' });
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    expect(open).not.toThrow(/secret/);
  });
});
