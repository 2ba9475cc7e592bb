import { invalidArgument } from '../errors.js';
import { type ExternalWeights, checkNumber, externalWeightsSchema } from '../wire/index.js';
import { checkCheckpointName } from './checkpointName.js';
import type { LaneRequest } from './laneWork.js';
import { readJsonResult } from './readJsonResult.js';
import type { CallOptions } from './trainingOptions.js';

const MOST_RECIPIENTS = 10;

/** Options of `saveWeightsExternal`. */
export interface SaveExternalOptions extends CallOptions {
  /** Seconds until the server may delete the export; default: never. */
  readonly ttlSeconds?: number;
  /** At most 10 age recipients (`age1…` keys or SSH public keys) for whom every file is encrypted; default: none. */
  readonly ageEncryptionRecipients?: readonly string[];
}

/** The request that exports weights under a name. @throws TinkerError `invalid_argument` */
export function saveExternalRequest(
  modelId: string,
  name: string,
  options: SaveExternalOptions,
): LaneRequest<ExternalWeights> {
  checkCheckpointName(name);
  const { ttlSeconds, ageEncryptionRecipients: recipients } = options;
  if (recipients !== undefined && (recipients.length < 1 || recipients.length > MOST_RECIPIENTS)) {
    throw invalidArgument(`1 to ${MOST_RECIPIENTS} ageEncryptionRecipients`, recipients);
  }
  const settings = {
    ...(ttlSeconds !== undefined && {
      ttl_seconds: checkNumber('ttlSeconds', ttlSeconds, { integer: true, min: 1 }),
    }),
    ...(recipients !== undefined && { age_encryption_recipients: recipients }),
  };
  return {
    type: 'save_weights_external',
    requestType: 'SaveWeightsExternal',
    path: '/api/v1/save_weights_external',
    body: (seq_id) => ({ model_id: modelId, path: name, seq_id, ...settings, type: 'save_weights_external' }),
    read: readJsonResult(externalWeightsSchema, 'save_weights_external'),
    save: { kind: 'external_weights', name },
  };
}
