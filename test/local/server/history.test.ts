import { describe, expect, it } from 'vitest';
import { testServer, type TestServer } from './support/testServer.js';

async function opened({ post }: TestServer, extra: object = {}): Promise<string> {
  return String((await post('create_session', { tags: [], ...extra })).body.session_id);
}

/** Ids that a search finds. */
async function found({ post }: TestServer, request: object): Promise<string[]> {
  const { sessions } = (await post('sessions/search', request)).body as { sessions: { session_id: string }[] };
  return sessions.map(({ session_id: id }) => id);
}

describe('searching sessions', () => {
  it('finds by id, name, metadata, project, owner and status, newest first', async () => {
    const server = await testServer();
    const first = await opened(server, { display_name: 'Red Fox', user_metadata: { run: '1' } });
    await server.clock.advance(1000);
    const second = await opened(server, { display_name: 'Blue fox', user_metadata: { run: '2' }, project_id: 'p' });
    const both = [second, first];
    expect(await found(server, {})).toEqual(both);
    expect(await found(server, { display_name: 'fox RED' })).toEqual([first]);
    expect(await found(server, { display_name: 'blue', session_id: first })).toEqual(both);
    expect(await found(server, { user_metadata: { run: '2' } })).toEqual([second]);
    expect(await found(server, { project_ids: ['p'] })).toEqual([second]);
    expect(await found(server, { owner: { type: 'accessible' } })).toEqual(both);
    expect(await found(server, { owner: { type: 'user', owner_urns: ['somebody'] } })).toEqual([]);
    await server.post(`sessions/${first}/finish`, { reason: { type: 'errored' }, detail: 'out of ideas' });
    expect(await found(server, { statuses: [{ type: 'active' }] })).toEqual([second]);
    expect(await found(server, { statuses: [{ type: 'client_finished', reasons: ['errored'] }] })).toEqual([first]);
    expect(await found(server, { statuses: [{ type: 'client_finished', reasons: ['success'] }] })).toEqual([]);
    expect(await found(server, { statuses: [{ type: 'failed' }, { type: 'cancelled' }] })).toEqual([]);
    const { body } = await server.post('sessions/search', { session_id: first });
    expect(body.sessions).toEqual([
      {
        session_id: first,
        created_at: expect.stringMatching(/Z$/) as unknown,
        owner: 'local',
        project_id: 'local',
        status: { type: 'client_finished', reason: { type: 'errored' }, detail: 'out of ideas' },
        checkpoints_count: 0,
        checkpoint_storage_bytes: 0,
        display_name: 'Red Fox',
        user_metadata: { run: '1' },
      },
    ]);
  });

  it('goes from page to page, also among sessions of the same moment', async () => {
    const server = await testServer();
    const ids = [];
    for (let index = 0; index < 5; index += 1) ids.push(await opened(server));
    const seen: string[] = [];
    let cursor: unknown;
    do {
      const { body } = await server.post('sessions/search', { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...(body.sessions as { session_id: string }[]).map(({ session_id: id }) => id));
      cursor = body.next_cursor;
    } while (cursor !== undefined);
    expect([...seen].sort()).toEqual([...ids].sort());
  });

  it('forgets the status of a session that fell silent, and counts its checkpoints', async () => {
    const server = await testServer();
    const { session, model } = await server.model();
    await server.result(await server.post('save_weights', { model_id: model, seq_id: 1, path: 'a' }));
    await server.clock.advance(300_000);
    const { body } = await server.post('sessions/search', { session_id: session });
    expect(body.sessions).toMatchObject([{ checkpoints_count: 1 }]);
    expect((body.sessions as object[])[0]).not.toHaveProperty('status');
  });

  it('puts a session into a project, by which runs are listed', async () => {
    const server = await testServer();
    const { session, model } = await server.model();
    expect((await server.call('PUT', `sessions/${session}/project`, { project_id: 'p' })).status).toBe(200);
    expect(await found(server, { project_ids: ['p'] })).toEqual([session]);
    const inProject = await server.call('GET', 'training_runs?project_id=p');
    expect(inProject.body.training_runs).toMatchObject([{ training_run_id: model }]);
    expect((await server.call('GET', 'training_runs?project_id=q')).body.training_runs).toEqual([]);
    expect((await server.call('PUT', 'sessions/none/project', { project_id: 'p' })).status).toBe(404);
  });

  it('says that it has no traces', async () => {
    const server = await testServer();
    const trace = await server.call('GET', `sessions/${await opened(server)}/trace_export`);
    expect(trace.body).toMatchObject({ status: 'failed' });
    expect((await server.call('GET', 'sessions/none/trace_export')).status).toBe(404);
  });
});

describe('what an administrator asks', () => {
  it('is answered with what costs nothing', async () => {
    const server = await testServer();
    const usage = 'billing/usage/events?starting_on=2026-01-01T00:00:00%2B00:00&ending_before=2026-01-02';
    expect((await server.call('GET', usage)).body).toMatchObject({ data: [], sessions: {} });
    expect((await server.call('GET', 'billing/usage/events?starting_on=soon')).status).toBe(422);
    const storage = 'billing/usage/checkpoints/current';
    expect((await server.call('GET', storage)).body.data).toEqual([]);
    const { model } = await server.model();
    await server.result(await server.post('save_weights', { model_id: model, seq_id: 1 }));
    const { data } = (await server.call('GET', storage)).body as { data: object[] };
    expect(data).toMatchObject([{ checkpoint_count: 1, size_bytes: 513, estimated_monthly_cost_usd: 0 }]);
    expect((await server.call('GET', 'audit?event_type=all')).body).toEqual({ entries: [] });
    expect((await server.call('GET', 'auth/apikey/me')).body).toMatchObject({ key_id: 1, name: 'local' });
    expect((await server.call('DELETE', 'auth/apikey/me')).status).toBe(403);
  });
});
