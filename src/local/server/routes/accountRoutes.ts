import * as z from 'zod';
import { parse } from '../codec/parse.js';
import { jsonResponse } from '../jsonResponse.js';
import { refusal } from '../refusal.js';
import type { Route } from '../route.js';
import { localOwner } from '../searchSessions.js';
import type { ServerState } from '../serverState.js';

const window = z.object({
  starting_on: z.iso.datetime({ offset: true, local: true }).or(z.iso.date()),
  ending_before: z.iso.datetime({ offset: true, local: true }).or(z.iso.date()),
});

const bytesPerGigabyte = 1e9;

/** What an administrator asks: a server on one's own machine costs nothing and keeps no audit log. */
export function accountRoutes({ checkpoints, clock }: ServerState): Route[] {
  return [
    {
      method: 'GET',
      pattern: 'billing/usage/events',
      handle: ({ query }) => {
        parse(window, Object.fromEntries(query));
        return jsonResponse({ data: [], sessions: {}, cost_data_through: new Date(clock.now()).toISOString() });
      },
    },
    {
      method: 'GET',
      pattern: 'billing/usage/checkpoints/current',
      handle: () => {
        const saved = checkpoints.list();
        const bytes = saved.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
        const usage = {
          user_name: localOwner,
          checkpoint_count: saved.length,
          size_bytes: bytes,
          size_gigabytes: bytes / bytesPerGigabyte,
          estimated_monthly_cost_usd: 0,
        };
        return jsonResponse({ effective_rate_usd_per_gigabyte_month: 0, data: saved.length === 0 ? [] : [usage] });
      },
    },
    { method: 'GET', pattern: 'audit', handle: () => jsonResponse({ entries: [] }) },
    {
      method: 'GET',
      pattern: 'auth/apikey/me',
      handle: () =>
        jsonResponse({
          key_id: 1,
          name: localOwner,
          note: '',
          details: { org_details: { name: localOwner }, user_details: { email: '' } },
        }),
    },
    {
      method: 'DELETE',
      pattern: 'auth/apikey/me',
      handle: () => {
        throw refusal(403, 'Keys of this server are set where it is started; it deletes none.');
      },
    },
  ];
}
