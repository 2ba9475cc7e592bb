import { defer, from, isObservable, of, type Observable } from 'rxjs';
import { refusal } from './refusal.js';
import type { Call, Route } from './route.js';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';

const prefix = '/api/v1/';

/** Makes the function that finds the route of a request and runs it. It errors with 404 or 405 where there is none. */
export function router(routes: readonly Route[]): (request: ServerRequest) => Observable<ServerResponse> {
  const compiled = routes.map((route) => ({ route, form: compile(route.pattern) }));
  return (request) =>
    defer(() => {
      if (!URL.canParse(request.path, 'http://server')) throw refusal(400, 'Expected a path from the root on.');
      const url = new URL(request.path, 'http://server');
      const path = url.pathname.startsWith(prefix) ? url.pathname.slice(prefix.length) : undefined;
      const matching = path === undefined ? [] : compiled.filter(({ form }) => form.test(path));
      const found = matching.find(({ route }) => route.method === request.method);
      if (path === undefined || matching.length === 0) throw refusal(404, `This server has no ${url.pathname}.`);
      if (found === undefined) {
        const methods = matching.map(({ route }) => route.method).join(' or ');
        throw refusal(405, `Expected ${methods} for ${url.pathname}, got ${request.method}.`);
      }
      const answer = found.route.handle(callOf(request, found.form, path, url.searchParams));
      if (isObservable(answer)) return answer;
      return answer instanceof Promise ? from(answer) : of(answer);
    });
}

function compile(pattern: string): RegExp {
  const form = pattern
    .replaceAll('.', '\\.')
    .replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')
    .replaceAll(/\*(\w+)/g, '(?<$1>.+)');
  return new RegExp(`^${form}$`);
}

function callOf(request: ServerRequest, form: RegExp, path: string, query: URLSearchParams): Call {
  const groups = form.exec(path)?.groups ?? {};
  return {
    request,
    query,
    param: (name) => {
      try {
        return decodeURIComponent(groups[name] ?? '');
      } catch (cause) {
        throw refusal(400, `Expected a path in UTF-8 with percent signs escaped, got ${path} (${String(cause)}).`);
      }
    },
  };
}
