import * as z from 'zod';
import { ttlSeconds } from './ttlSeconds.js';

/** Null: for ever. */
export const checkpointTtlRequest = z.strictObject({ ttl_seconds: ttlSeconds.nullable() });
