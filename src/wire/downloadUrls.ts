import * as z from 'zod/mini';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** Where the archive of a checkpoint can be fetched, without a key. */
export interface ArchiveUrl {
  readonly url: string;
  /** When the URL ends, as the server wrote it. */
  readonly expires?: string;
}

/** Where the files of exported weights can be fetched, without a key. */
export interface ExternalWeightsUrls {
  /** A URL for each file, by its path within the export. */
  readonly urls: Readonly<Record<string, string>>;
  /** When the URLs end, ISO 8601. */
  readonly expires: string;
}

/** JSON answer of …/archive. */
export const archiveUrlSchema = transform(
  z.object({ url: z.string().check(z.minLength(1)), expires: optional(z.string()) }),
  ({ url, expires }): ArchiveUrl => ({ url, ...(expires !== undefined && { expires }) }),
);

/** Answer of …/external_weights_urls. */
export const externalWeightsUrlsSchema = transform(
  z.object({ urls: z.record(z.string(), z.string()), expires: z.string() }),
  (answer): ExternalWeightsUrls => answer,
);
