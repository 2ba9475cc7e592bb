/// <reference lib="esnext.disposable" preserve="true" />
import { type Observable, map, of } from 'rxjs';
import type * as s from '../wire/schema.js';
import { type Identity, identityOf } from '../auth/identity.js';
import { invalidArgument } from '../errors.js';
import {
  type ArchiveUrl,
  type Checkpoint,
  type ExternalWeightsUrls,
  type SamplerInfo,
  type ServerCapabilities,
  type SessionInfo,
  type SessionSearch,
  type SessionSummary,
  type TrainingRun,
  type WeightsInfo,
  checkNumber,
  copiedWeightsSchema,
  externalWeightsUrlsSchema,
  samplerInfoSchema,
  serverCapabilitiesSchema,
  sessionInfoSchema,
  trainingRunSchema,
  weightsInfoSchema,
} from '../wire/index.js';
import { type Connection, makeOperation } from './connection.js';
import type { DownloadProgress } from './downloadProgress.js';
import type { Operation } from './operation.js';
import { archiveUrl } from './restArchive.js';
import { ask, tell, withQuery } from './restCall.js';
import { type RestConnection, openRestConnection } from './restConnection.js';
import { type DownloadOptions, downloadCheckpoint } from './restDownload.js';
import {
  type ListOptions,
  type TrainingRunListOptions,
  checkpointsOf,
  foundSessions,
  sessionIds,
  trainingRuns,
  userCheckpoints,
} from './restLists.js';
import type { CopyWeightsOptions, ScopeOptions } from './restOptions.js';
import { type AccessScope, checkpointPath, segment, sessionPath, trainingRunPath } from './restPaths.js';
import { traceUrl } from './restTrace.js';
import type { ServiceOptions } from './serviceOptions.js';
import { checkTinkerPath, parseTinkerPath } from './tinkerPath.js';
import type { OperationSpan } from './tracing.js';
import type { CallOptions } from './trainingOptions.js';

/**
 * What a server keeps: training runs, checkpoints, sessions, samplers. It never makes a session.
 *
 * Single answers are {@link Operation}s; lists are Observables that ask for a page when the one before was taken, so
 * that `take` ends them early. Errors: `invalid_config` in the constructor, `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * await using rest = new RestClient({ baseUrl });
 * const latest = await lastValueFrom(rest.listTrainingRuns().pipe(take(5), toArray()));
 * ```
 */
export class RestClient implements AsyncDisposable {
  private readonly rest: RestConnection;

  /** @param options those of a ServiceClient; `service.rest` shares that client's connections instead */
  constructor(options: ServiceOptions | RestConnection = {}) {
    this.rest = 'connection' in options ? options : openRestConnection(options);
  }

  /** The base models that the server offers. */
  getServerCapabilities(options: CallOptions = {}): Operation<ServerCapabilities> {
    return this.get('get_server_capabilities', '/api/v1/get_server_capabilities', serverCapabilitiesSchema, options);
  }

  /** One training run. */
  getTrainingRun(trainingRunId: string, options: ScopeOptions = {}): Operation<TrainingRun> {
    const path = withQuery(trainingRunPath(trainingRunId), { access_scope: options.accessScope ?? 'owned' });
    return this.get('get_training_run', path, trainingRunSchema, options);
  }

  /** The training run that saved a checkpoint. */
  getTrainingRunByTinkerPath(path: string, options: ScopeOptions = {}): Operation<TrainingRun> {
    return this.getTrainingRun(parseTinkerPath(path).trainingRunId, options);
  }

  /** The caller's training runs, the latest first. */
  listTrainingRuns(options: TrainingRunListOptions = {}): Observable<TrainingRun> {
    return trainingRuns(this.connection, options);
  }

  /** What a checkpoint was trained on and how. */
  getWeightsInfoByTinkerPath(path: string, options: CallOptions = {}): Operation<WeightsInfo> {
    checkTinkerPath(path);
    return ask(
      this.connection,
      {
        type: 'weights_info',
        method: 'POST',
        path: '/api/v1/weights_info',
        body: { tinker_path: path },
        schema: weightsInfoSchema,
        retry: 'standard',
      },
      options,
    );
  }

  /** The checkpoints of a training run. */
  listCheckpoints(trainingRunId: string): Observable<Checkpoint> {
    return checkpointsOf(this.connection, trainingRunId);
  }

  /** The checkpoints of all the caller's training runs. */
  listUserCheckpoints(options: ListOptions = {}): Observable<Checkpoint> {
    return userCheckpoints(this.connection, options);
  }

  /** Deletes a checkpoint by its id, e.g. `weights/step-20`. */
  deleteCheckpoint(trainingRunId: string, checkpointId: string, options: CallOptions = {}): Operation<void> {
    return this.deleteCheckpointFromTinkerPath(`tinker://${trainingRunId}/${checkpointId}`, options);
  }

  /** Deletes a checkpoint. */
  deleteCheckpointFromTinkerPath(path: string, options: CallOptions = {}): Operation<void> {
    return this.change('delete_checkpoint', 'DELETE', checkpointPath(path), options);
  }

  /** Lets everybody read a checkpoint. */
  publishCheckpointFromTinkerPath(path: string, options: CallOptions = {}): Operation<void> {
    return this.change('publish_checkpoint', 'POST', `${checkpointPath(path)}/publish`, options);
  }

  /** Takes a published checkpoint back. */
  unpublishCheckpointFromTinkerPath(path: string, options: CallOptions = {}): Operation<void> {
    return this.change('unpublish_checkpoint', 'DELETE', `${checkpointPath(path)}/publish`, options);
  }

  /** Sets after how many seconds from now the server may delete a checkpoint; `null`: never. */
  setCheckpointTtlFromTinkerPath(path: string, ttlSeconds: number | null, options: CallOptions = {}): Operation<void> {
    const ttl_seconds = ttlSeconds === null ? null : checkTtl(ttlSeconds);
    return this.change('set_checkpoint_ttl', 'PUT', `${checkpointPath(path)}/ttl`, options, { ttl_seconds });
  }

  /** Copies a checkpoint into a project; gives the path of the copy, which belongs to a training run of its own. */
  copyWeights(path: string, options: CopyWeightsOptions = {}): Operation<{ readonly path: string }> {
    checkTinkerPath(path);
    const { connection, projectId } = this.rest;
    const { destinationProjectId = projectId, ttlSeconds, weightsAccessToken } = options;
    if (destinationProjectId === undefined) {
      throw invalidArgument(
        'a project for the copy',
        'none',
        'Pass { destinationProjectId } or set TINKER_PROJECT_ID.',
      );
    }
    return tell(
      connection,
      {
        type: 'copy_weights',
        method: 'POST',
        path: '/api/v1/copy_weights',
        body: {
          source_path: path,
          destination_project_id: destinationProjectId,
          ...(ttlSeconds !== undefined && { ttl_seconds: checkTtl(ttlSeconds) }),
        },
        ...(weightsAccessToken !== undefined && { headers: { 'x-tinker-weights-access-token': weightsAccessToken } }),
        schema: copiedWeightsSchema,
        retry: 'standard',
      },
      options,
    );
  }

  /** Where the archive of a checkpoint can be fetched; waits up to 2.5 minutes while the server builds it. */
  getCheckpointArchiveUrl(path: string, options: CallOptions = {}): Operation<ArchiveUrl> {
    // Refuses a wrong path at the call.
    checkpointPath(path);
    return this.wait('get_checkpoint_archive_url', (span) => archiveUrl(this.connection, path, span), options);
  }

  /** Where the files of exported weights (`tinker://<run>/external_weights/<name>`) can be fetched. */
  getExternalWeightsUrls(path: string, options: CallOptions = {}): Operation<ExternalWeightsUrls> {
    if (parseTinkerPath(path).kind !== 'external_weights') {
      throw invalidArgument('tinker://<run>/external_weights/<name>', path, 'training.saveWeightsExternal gives one.');
    }
    const resource = `${checkpointPath(path)}/external_weights_urls`;
    return this.get('external_weights_urls', resource, externalWeightsUrlsSchema, options);
  }

  /**
   * Downloads a checkpoint into a folder, and tells how far it is.
   *
   * What breaks off goes on from its last byte, in another process too; every file is checked, and the folder has all of
   * them or none. A training state is exported by way of a session. Errors: `invalid_argument` at the call;
   * `invalid_config` for a folder with files in it and a full disk; `invalid_response` for contents that are wrong three
   * times and names that lead out of the folder; those of the connection after some 4 minutes without a byte.
   *
   * @example
   * ```ts
   * const { path } = await training.saveState('final').result();
   * const progress$ = service.rest.downloadCheckpoint(path, { directory: 'final-adapter' });
   * await lastValueFrom(progress$.pipe(tap((event) => console.log(event.type))));
   * ```
   */
  downloadCheckpoint(path: string, options: DownloadOptions): Observable<DownloadProgress> {
    return downloadCheckpoint(this.rest, path, options);
  }

  /** One session. */
  getSession(sessionId: string, options: ScopeOptions = {}): Operation<SessionInfo> {
    const path = withQuery(sessionPath(sessionId), { access_scope: options.accessScope ?? 'owned' });
    return this.get('get_session', path, sessionInfoSchema, options);
  }

  /** The ids of the caller's sessions. */
  listSessions(options: ListOptions & { readonly accessScope?: AccessScope } = {}): Observable<string> {
    return sessionIds(this.connection, options);
  }

  /** Sessions of the organization, the latest first. */
  searchSessions(search: SessionSearch = {}): Observable<SessionSummary> {
    return foundSessions(this.connection, search);
  }

  /** Moves a session into a project. */
  assignSessionProject(sessionId: string, projectId: string, options: CallOptions = {}): Operation<void> {
    segment('projectId', projectId);
    const body = { project_id: projectId };
    return this.change('assign_session_project', 'PUT', `${sessionPath(sessionId)}/project`, options, body);
  }

  /** Has the server export the trace of a session; gives the URL of the file, which ends after about an hour. */
  exportSessionTrace(sessionId: string, options: CallOptions = {}): Operation<string> {
    // Refuses a wrong id at the call.
    sessionPath(sessionId);
    return this.wait('trace_export', (span) => traceUrl(this.connection, sessionId, span), options);
  }

  /** What a sampling session draws from. */
  getSampler(samplerId: string, options: CallOptions = {}): Operation<SamplerInfo> {
    const path = `/api/v1/samplers/${segment('samplerId', samplerId)}`;
    return this.get('get_sampler', path, samplerInfoSchema, options);
  }

  /**
   * Who the key belongs to, as its token says; asks the server for nothing but that token.
   *
   * Errors: `unauthenticated` for a plain key on a server that does not exchange it.
   */
  whoami(options: CallOptions = {}): Operation<Identity> {
    return this.wait('whoami', () => this.connection.credentials.identityToken$.pipe(map(identityOf)), options);
  }

  /** Fails what waits and ends the connections, unless they are those of a ServiceClient. */
  close(): Promise<void> {
    return this.rest.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get connection(): Connection {
    return this.rest.connection;
  }

  private get<T>(type: string, path: string, schema: s.Schema<T>, options: CallOptions): Operation<T> {
    return ask(this.connection, { type, method: 'GET', path, schema, retry: 'standard' }, options);
  }

  private wait<T>(
    type: string,
    answer: (span?: OperationSpan) => Observable<T>,
    { signal }: CallOptions,
  ): Operation<T> {
    return makeOperation(
      this.connection,
      { type, send: () => of(undefined), poll: (_, { span }) => answer(span) },
      { signal },
    );
  }

  private change(
    type: string,
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: CallOptions,
    body?: object,
  ): Operation<void> {
    const call = { type, method, path, ...(body !== undefined && { body }), retry: 'standard' } as const;
    return tell(this.connection, { ...call, read: () => undefined }, options);
  }
}

function checkTtl(ttlSeconds: number): number {
  return checkNumber('ttlSeconds', ttlSeconds, { integer: true, min: 1 });
}
