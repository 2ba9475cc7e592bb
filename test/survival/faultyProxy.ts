import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** What happens to a request that passes. */
const faults = ['lost request', 'lost answer', 'cut answer', 'delay', 'refused connections'] as const;
export type ProxyFault = (typeof faults)[number];

/** A proxy between clients and a server that may come back under another port. */
export interface FaultyProxy {
  readonly url: string;
  /** How often each fault happened. */
  readonly happened: Map<ProxyFault, number>;
  /** Requests that passed, disturbed or not. */
  requests: number;
  /** Where the server is now. */
  serverPort: number;
  close(): Promise<void>;
}

const longestDelay = 300;
const refusedFor = 150;

/** Starts a TCP proxy that disturbs a part of the requests. */
export async function faultyProxy(serverPort: number, share: number, random: () => number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const after = (delay: number, work: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, delay);
    timers.add(timer);
  };
  const server = createServer((client) => {
    passOn(client);
  });
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${port}`,
    happened: new Map(),
    requests: 0,
    serverPort,
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
  return proxy;

  function draw(): ProxyFault | undefined {
    proxy.requests += 1;
    if (random() >= share) return undefined;
    const fault = faults[Math.floor(random() * faults.length)];
    if (fault !== undefined) proxy.happened.set(fault, (proxy.happened.get(fault) ?? 0) + 1);
    return fault;
  }

  function passOn(client: Socket): void {
    const upstream = connect(proxy.serverPort, '127.0.0.1');
    const both = [client, upstream];
    const reset = (): void => {
      for (const socket of both) socket.resetAndDestroy();
    };
    for (const socket of both) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', reset);
      socket.on('close', () => {
        sockets.delete(socket);
        reset();
      });
    }
    let answers: 'pass' | 'lose' | 'cut' = 'pass';
    client.on('data', (chunk) => {
      switch (draw()) {
        case undefined:
          upstream.write(chunk);
          break;
        case 'lost request':
          reset();
          break;
        case 'refused connections':
          reset();
          refuse();
          break;
        case 'delay':
          after(random() * longestDelay, () => upstream.writable && upstream.write(chunk));
          break;
        case 'lost answer':
          answers = 'lose';
          upstream.write(chunk);
          break;
        case 'cut answer':
          answers = 'cut';
          upstream.write(chunk);
          break;
      }
    });
    upstream.on('data', (chunk) => {
      if (answers === 'pass') client.write(chunk);
      else if (answers === 'lose') reset();
      else client.end(chunk.subarray(0, Math.floor(random() * chunk.length)));
    });
  }

  /** Nothing listens for a while. */
  function refuse(): void {
    if (!server.listening) return;
    server.close();
    after(refusedFor, () => void listen(port));
  }
}
