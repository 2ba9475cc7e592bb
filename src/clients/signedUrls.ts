import { type Observable, type SchedulerLike, defer, map, of, tap } from 'rxjs';
import type { SignedUrl } from '../download/downloadFile.js';
import { TinkerError } from '../errors.js';

/** URLs of files by name, and when they end, as the server wrote it. */
export interface Signed {
  readonly urls: Readonly<Record<string, string>>;
  readonly expires?: string;
}

/** URLs are asked for anew so long before they end, in milliseconds. */
const BEFORE_EXPIRY = 300_000;

/** URLs that are signed again before they end, or when the server no longer takes them. */
export class SignedUrls {
  private latest: { readonly urls: Signed['urls']; readonly until: number } | undefined;

  constructor(
    private readonly sign: () => Observable<Signed>,
    private readonly scheduler: SchedulerLike,
  ) {}

  /** All URLs by file name. */
  all(): Observable<Signed['urls']> {
    return defer(() => {
      const { latest } = this;
      if (latest !== undefined && this.scheduler.now() < latest.until) return of(latest.urls);
      return this.sign().pipe(
        tap(({ urls, expires }) => {
          const ends = Date.parse(expires ?? '');
          // One that ends sooner than that is used once.
          this.latest = { urls, until: Number.isNaN(ends) ? Infinity : ends - BEFORE_EXPIRY };
        }),
        map(({ urls }) => urls),
      );
    });
  }

  /** The URL of one file. */
  of(name: string): SignedUrl {
    return {
      get: () =>
        this.all().pipe(
          map((urls) => {
            const url = Object.hasOwn(urls, name) ? urls[name] : undefined;
            if (url !== undefined) return url;
            throw new TinkerError('invalid_response', `Expected a URL of ${name}, and the server gives none any more.`);
          }),
        ),
      expire: () => {
        this.latest = undefined;
      },
    };
  }
}
