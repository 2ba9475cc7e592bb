import type { Logger } from '../log.js';

/** Every key and token that a client has used, so that none of them shows up in a text. */
export class Secrets {
  readonly #known = new Set<string>();

  add(secret: string): void {
    if (secret !== '') this.#known.add(secret);
  }

  /** Replaces every occurrence of a secret by `[secret]`. */
  readonly redact = (text: string): string => {
    let clean = text;
    for (const secret of this.#known) clean = clean.replaceAll(secret, '[secret]');
    return clean;
  };

  /** A logger that shows none of them. */
  logger(log: Logger): Logger {
    return {
      debug: (message) => log.debug(this.redact(message)),
      info: (message) => log.info(this.redact(message)),
      warn: (message) => log.warn(this.redact(message)),
      error: (message) => log.error(this.redact(message)),
    };
  }
}
