import * as s from './schema.js';
import { optional } from './optional.js';

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
export const archiveUrlSchema = s.transform(
  s.object({ url: s.string().check(s.minLength(1)), expires: optional(s.string()) }),
  ({ url, expires }): ArchiveUrl => ({ url, ...(expires !== undefined && { expires }) }),
);

/** Answer of …/external_weights_urls. */
export const externalWeightsUrlsSchema = s.transform(
  s.object({ urls: s.record(s.string()), expires: s.string() }),
  (answer): ExternalWeightsUrls => answer,
);
