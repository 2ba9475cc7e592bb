/**
 * A server that computes nothing: it answers each request with bytes that were encoded before, on raw sockets, so that
 * what is measured is the client. Its parent sends the settings of each run and asks for the counts at its end.
 */
import { type Socket, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type StubAnswers, jsonAnswer, stubAnswers } from './stubAnswers.js';
import { type StubRequest, readRequests } from './stubConnection.js';
import type { StubCounts, StubSettings } from './stubSettings.js';

const initial: StubSettings = { delayMs: 0, inOrder: false, datums: 1, tokens: 16, sampled: 64, flags: {} };
const promises: ReadonlyMap<string, string> = new Map([
  ['create_model', 'c'],
  ['forward_backward', 'f'],
  ['optim_step', 'o'],
  ['asample', 's'],
]);
const nothing = jsonAnswer({});

/** One run: its answers, its promises that are not ready, and what was counted. */
class Run {
  private readonly answers: StubAnswers;
  private readonly started = process.cpuUsage();
  private readonly paths: Record<string, number> = {};
  private requests = 0;
  private bytesOut = 0;
  private lastId = 10_000_000;
  /** Promises that are not ready, and who polls for each. */
  private readonly unready = new Map<string, Socket | undefined>();
  private readonly finished: string[] = [];
  private pollOfAll: { readonly socket: Socket; readonly cursor: number } | undefined;
  private readonly work: string[] = [];
  private firstWork: number | undefined;
  private idleSince: number | undefined;
  private idleMs = 0;

  constructor(private readonly settings: StubSettings) {
    this.answers = stubAnswers(settings);
  }

  handle(socket: Socket, { path, body }: StubRequest): void {
    this.requests += 1;
    const name = path.slice('/api/v1/'.length);
    this.paths[name] = (this.paths[name] ?? 0) + 1;
    if (name === 'retrieve_future') this.poll(socket, body);
    else if (name === 'retrieve_futures') this.pollAll(socket, body);
    else {
      const kind = promises.get(name);
      if (kind === undefined) this.send(socket, this.answers.fixed.get(name) ?? nothing);
      else this.promise(socket, kind);
    }
  }

  counts(bytesIn: number): StubCounts {
    const { user, system } = process.cpuUsage(this.started);
    const span = (this.idleSince ?? performance.now()) - (this.firstWork ?? 0);
    return {
      requests: this.requests,
      bytesIn,
      bytesOut: this.bytesOut,
      cpuMs: (user + system) / 1000,
      idle: this.firstWork === undefined ? NaN : this.idleMs / span,
      paths: this.paths,
    };
  }

  private send(socket: Socket, bytes: Buffer): void {
    this.bytesOut += bytes.length;
    socket.write(bytes);
  }

  private promise(socket: Socket, kind: string): void {
    const id = `${kind}${String(this.lastId++)}`;
    // All ids have nine characters, so the length is known.
    const more = kind === 's' ? ',"sample_sequence_ids":["sequence"]' : '';
    const text = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${26 + more.length}\r\n\r\n{"request_id":"${id}"${more}}`;
    this.bytesOut += text.length;
    socket.write(text, 'latin1');
    if (kind === 'c') return;
    const { delayMs, inOrder } = this.settings;
    if (inOrder) this.queue(id);
    else if (delayMs > 0) this.later(id);
    else if (kind === 's') this.finish(id);
  }

  private later(id: string): void {
    this.unready.set(id, undefined);
    setTimeout(() => {
      this.finish(id);
    }, this.settings.delayMs);
  }

  private queue(id: string): void {
    const now = performance.now();
    this.unready.set(id, undefined);
    this.work.push(id);
    if (this.work.length > 1) return;
    this.firstWork ??= now;
    this.idleMs += now - (this.idleSince ?? now);
    this.workOn();
  }

  private workOn(): void {
    setTimeout(() => {
      const id = this.work.shift();
      this.idleSince = performance.now();
      if (this.work.length > 0) this.workOn();
      if (id !== undefined) this.finish(id);
    }, this.settings.delayMs);
  }

  private finish(id: string): void {
    const poller = this.unready.get(id);
    this.unready.delete(id);
    if (poller !== undefined) this.result(poller, id);
    if (!id.startsWith('s')) return;
    this.finished.push(id);
    const all = this.pollOfAll;
    if (all !== undefined) {
      this.pollOfAll = undefined;
      this.tell(all.socket, all.cursor);
    }
  }

  private poll(socket: Socket, body: string): void {
    const at = body.indexOf('"', body.indexOf(':', body.indexOf('"request_id"')));
    const id = body.slice(at + 1, at + 10);
    if (this.unready.has(id)) this.unready.set(id, socket);
    else this.result(socket, id);
  }

  private result(socket: Socket, id: string): void {
    this.send(socket, this.answers.results[id.charAt(0)] ?? nothing);
  }

  private pollAll(socket: Socket, body: string): void {
    const cursor = Number(/"prev_cursor": *(\d+)/.exec(body)?.[1] ?? 0);
    if (cursor < this.finished.length || body.includes('"timeout"')) this.tell(socket, cursor);
    else this.pollOfAll = { socket, cursor };
  }

  private tell(socket: Socket, cursor: number): void {
    const completions = this.finished.slice(cursor).map((request_id) => ({ state: 'finished', request_id }));
    this.send(socket, jsonAnswer({ completions, cursor: this.finished.length }));
  }
}

let run = new Run(initial);
const sockets = new Set<Socket>();
let bytesOfClosed = 0;

const server = createServer((socket) => {
  sockets.add(socket);
  readRequests(socket, (request) => {
    run.handle(socket, request);
  });
  socket.on('close', () => {
    bytesOfClosed += socket.bytesRead;
    sockets.delete(socket);
  });
});

process.on('message', (settings: StubSettings | 'counts') => {
  if (settings === 'counts') {
    const bytesIn = [...sockets].reduce((sum, socket) => sum + socket.bytesRead, bytesOfClosed);
    process.send?.(run.counts(bytesIn));
    return;
  }
  bytesOfClosed = 0;
  for (const socket of sockets) socket.destroy();
  run = new Run(settings);
  process.send?.('ready');
});
process.on('disconnect', () => process.exit());
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
