import type { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import { encodeForwardBackward, type EncodedRequest, type ForwardBackwardRequest, type PassFormat } from './codec.js';
import type { SpareMemory } from './proto/spareMemory.js';

/**
 * Chooses once a session whether passes are sent as protobuf or as JSON, by what the server accepts.
 *
 * It starts with protobuf. After a 415, and after a 400 or 422 while nothing was accepted yet, the same pass is worth
 * sending as JSON under the same seq_id, since it was refused and not run; see {@link WireFormat.refused}.
 */
export class WireFormat {
  private decided: PassFormat | undefined;

  /**
   * @param fixed a format that is not to be questioned
   * @param memory of bodies that the server took, where nothing reads them after that
   */
  constructor(
    private readonly log: Pick<Logger, 'debug'>,
    fixed?: PassFormat,
    private readonly memory?: SpareMemory,
  ) {
    this.decided = fixed;
  }

  /** Encodes a pass, as the session has decided or in the given format. */
  encode(request: ForwardBackwardRequest, format: PassFormat = this.decided ?? 'protobuf'): EncodedRequest {
    return encodeForwardBackward(request, format, this.memory);
  }

  /** To be told when the server took a pass, once for each that was encoded: its format is the session's from then on, unless one was chosen before. */
  accepted({ format, body }: EncodedRequest): void {
    if (typeof body !== 'string') this.memory?.give(body.buffer);
    if (this.decided !== undefined) return;
    this.decided = format;
    this.log.debug(`Passes are sent as ${nameOf(format)}: the server accepted the first one.`);
  }

  /** To be told of a refusal; true where the same pass should now be sent as JSON under the same seq_id. */
  refused({ format }: EncodedRequest, { message, details: { status } }: TinkerError): boolean {
    if (format === 'json') return false;
    if (status === 415) {
      this.decided = 'json';
      this.log.debug(`Passes are sent as JSON: the server reads no protobuf (${message})`);
      return true;
    }
    if (this.decided !== undefined || (status !== 400 && status !== 422)) return false;
    this.log.debug(`The first pass is tried again as JSON, as protobuf was refused: ${message}`);
    return true;
  }
}

const nameOf = (format: PassFormat): string => (format === 'json' ? 'JSON' : 'protobuf');
