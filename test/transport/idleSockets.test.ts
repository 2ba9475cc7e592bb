import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { firstValueFrom } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { undiciTransport } from '../../src/transport/undiciTransport.js';
import { request } from './testServer.js';

const server = `const server = require('node:http').createServer((_, answer) => answer.end());
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

it('idle sockets keep no process alive, a waiting request does', async () => {
  // The server is another process: its sockets would keep this one alive.
  const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = sockets();
  const transport = undiciTransport({ baseUrl: `http://127.0.0.1:${String(port).trim()}` });
  await firstValueFrom(transport.send(request()));
  await new Promise((resolve) => setImmediate(resolve));
  expect(sockets()).toBe(before);
  const waiting = firstValueFrom(transport.send(request()));
  expect(sockets()).toBe(before + 1);
  await waiting;
});
