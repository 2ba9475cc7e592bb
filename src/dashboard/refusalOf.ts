import type { IncomingMessage } from 'node:http';

/** What is asked for, as far as it decides whether to answer. */
export type Asked = Pick<IncomingMessage, 'method' | 'headers'>;

/**
 * Why a request must not be answered; undefined for one that may.
 *
 * Only this machine's own names are taken for the host, so that a web page whose name was pointed at this machine gets
 * nothing (DNS rebinding), and nothing is answered to the scripts of other pages.
 */
export function refusalOf({ method, headers }: Asked): { readonly status: number; readonly why: string } | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, why: 'Expected GET: the dashboard only shows.' };
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  if (!/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(host)) {
    return {
      status: 403,
      why: `Expected a request to this machine by its own name, got one to ${JSON.stringify(host)}.`,
    };
  }
  const site = headers['sec-fetch-site'];
  const isNavigation = headers['sec-fetch-mode'] === 'navigate';
  if (site === undefined || site === 'same-origin' || site === 'none' || isNavigation) return undefined;
  return { status: 403, why: 'Expected a request of the dashboard itself, got one of another page.' };
}
