/**
 * Keeps files. Paths are segments joined by `/`, of any characters.
 *
 * Rejections are `TinkerError`s of code `server_error`, `not_found` where a file is missing.
 */
export interface Storage {
  /** Paths of all files, in no order. */
  list(): Promise<readonly string[]>;
  read(path: string): Promise<Uint8Array>;
  /** Writes or replaces a file, whole or not at all; once fulfilled, it outlives the process. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file; it need not exist. */
  remove(path: string): Promise<void>;
}
