import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TinkerError } from '../../errors.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { byteSize } from '../output/quantities.js';
import { Interrupted } from '../interrupted.js';

interface ExportTraceOptions extends ServerOptions {
  readonly output?: string;
  readonly urlOnly?: boolean;
}

/** Has the server export the trace of a session, and downloads it. */
export async function run(context: CommandContext, options: ExportTraceOptions, sessionId: string): Promise<void> {
  await using service = await openServer(context, options);
  const url = await context.wait(service.rest.exportSessionTrace(sessionId));
  if (options.urlOnly === true) {
    context.print({ session_id: sessionId, url }, url);
    return;
  }
  const destination = options.output ?? `${sessionId.replaceAll(/[^\w.-]/g, '_')}-trace.json`;
  await download(context, new URL(url, service.baseUrl), destination);
  const { size } = await stat(destination);
  context.print(
    { session_id: sessionId, destination, file_size_bytes: size },
    `Wrote ${destination} (${byteSize(size) ?? ''}).`,
  );
}

async function download({ signal }: CommandContext, url: URL, destination: string): Promise<void> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    await pipeline(Readable.fromWeb(response.body), createWriteStream(destination), { signal });
  } catch (cause) {
    if (signal.aborted) throw new Interrupted(signal.reason);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TinkerError('connection_failed', `The trace could not be downloaded: ${why}. Try again.`, { cause });
  }
}
