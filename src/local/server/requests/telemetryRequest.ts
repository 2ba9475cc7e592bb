import * as z from 'zod';

/** Events are accepted and thrown away. */
export const telemetryRequest = z.looseObject({ events: z.array(z.unknown()) });
