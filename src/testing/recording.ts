import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { TinkerError } from '../errors.js';

const contentSchema = z.union([z.object({ text: z.string() }), z.object({ base64: z.string() })]);

/** A body in a recording: text as it is, other bytes as base64. */
export type RecordedContent = z.infer<typeof contentSchema>;

const exchangeSchema = z.object({
  /** The place of the request among all, from 0; lines are in the order of the answers. */
  index: z.int().nonnegative(),
  method: z.string(),
  path: z.string(),
  /** Missing where there was none. */
  body: contentSchema.optional(),
  /** Milliseconds from the request to its outcome. */
  delayMs: z.number().nonnegative(),
  outcome: z.union([
    z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: contentSchema }),
    z.object({ error: z.object({ code: z.enum(['connection_failed', 'request_timeout']), message: z.string() }) }),
    z.object({ aborted: z.literal(true) }),
  ]),
});

/** A request and what came of it: an answer, an error of the connection, or that nobody waited any more. */
export type Exchange = z.infer<typeof exchangeSchema>;

const headerSchema = z.object({ recording: z.literal('rxtinker'), version: z.literal(1) });

/** The first line of a recording. */
export const recordingHeader: z.infer<typeof headerSchema> = { recording: 'rxtinker', version: 1 };

/** The form of a body in a recording. */
export function toContent(body: string | Uint8Array, contentType: string | undefined): RecordedContent {
  if (typeof body === 'string') return { text: body };
  const isText = body.length === 0 || /json|^text\//.test(contentType ?? '');
  return isText ? { text: new TextDecoder().decode(body) } : { base64: Buffer.from(body).toString('base64') };
}

/** The bytes of a body in a recording. */
export function contentBytes(content: RecordedContent): Uint8Array {
  return 'text' in content ? new TextEncoder().encode(content.text) : Buffer.from(content.base64, 'base64');
}

/**
 * Reads a recording, a JSON value a line, in the order of the requests.
 *
 * @throws TinkerError `invalid_config` for a file that is missing or no recording, naming the line
 */
export function readRecording(file: string): Exchange[] {
  const [header = '', ...lines] = readText(file).split('\n');
  readLine(headerSchema, header, file, 1);
  return lines
    .flatMap((line, index) => (line === '' ? [] : [readLine(exchangeSchema, line, file, index + 2)]))
    .sort((a, b) => a.index - b.index);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TinkerError(
      'invalid_config',
      `Expected a recording in ${file}, got ${String(cause)}. Make one with recordTransport.`,
      { cause },
    );
  }
}

function readLine<T>(schema: z.ZodType<T>, line: string, file: string, number: number): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new TinkerError(
      'invalid_config',
      `Expected line ${number} of ${file} to be part of a recording, got another. Record the session again.`,
      { cause },
    );
  }
}
