"""Listings, checkpoints and what an administrator asks."""

import datetime
import urllib.request

import tinker
from report import Skip
from support import MODEL, VERSION, connect, create_model, done, forward_logprobs, make_data, rest_client, train


def check_rest(report, service):
    rest = rest_client(service)
    data = make_data(2, seed=11)
    training = create_model(service, user_metadata={"purpose": "rest"})
    train(training, data, steps=2)
    state = training.save_state("state").result().path
    sampler = training.save_weights_for_sampler("sampler", ttl_seconds=7200).result().path
    run = state.split("/")[2]
    check_runs(report, rest, run, state, sampler)
    check_checkpoints(report, rest, run, state, sampler)
    check_sessions(report, rest, service, run, sampler)
    check_search(report, rest)
    check_copy(report, rest, service, state, forward_logprobs(training, data), data)
    check_exports(report, rest, training, state)
    check_account(report, rest, service)


def check_runs(report, rest, run, state, sampler):
    with report.check("training runs") as compared:
        names = [model.model_name for model in done(rest_or_service_capabilities(rest)).supported_models]
        compared.equal("capabilities", names, [MODEL])
        found = rest.get_training_run(run).result()
        compared.equal("base model", found.base_model, MODEL)
        compared.equal("rank", found.lora_rank, 4)
        compared.equal("user_metadata", found.user_metadata, {"purpose": "rest"})
        compared.equal("last checkpoint", found.last_checkpoint.tinker_path, state)
        compared.equal("last sampler checkpoint", found.last_sampler_checkpoint.tinker_path, sampler)
        by_path = rest.get_training_run_by_tinker_path(state).result()
        compared.equal("the run by a checkpoint's path", by_path.training_run_id, run)
        first = rest.list_training_runs(limit=2).result()
        second = rest.list_training_runs(limit=2, offset=2).result()
        ids = [entry.training_run_id for entry in [*first.training_runs, *second.training_runs]]
        compared.equal("runs on two pages", len(set(ids)), 4)
        compared.true("the newest run comes first", ids[0] == run)
        compared.true("the cursor counts all", first.cursor.total_count >= 4 and second.cursor.offset == 2)
        compared.fails("an unknown run", lambda: rest.get_training_run("none").result(), "404")


def rest_or_service_capabilities(rest):
    if hasattr(rest, "get_server_capabilities"):
        return rest.get_server_capabilities()
    return connect().get_server_capabilities()


def check_checkpoints(report, rest, run, state, sampler):
    with report.check("checkpoints") as compared:
        listed = {entry.checkpoint_id: entry for entry in rest.list_checkpoints(run).result().checkpoints}
        compared.equal("of the run", sorted(listed), ["sampler_weights/sampler", "weights/state"])
        compared.equal("type", listed["weights/state"].checkpoint_type, "training")
        compared.true("they have sizes", all(entry.size_bytes > 0 for entry in listed.values()))
        compared.equal("without TTL", listed["weights/state"].expires_at, None)
        expires = listed["sampler_weights/sampler"].expires_at
        left = (expires - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        compared.true("ttl_seconds 7200 ends in 2 hours", 7100 < left <= 7200)
        mine = rest.list_user_checkpoints(limit=2).result()
        compared.equal("of the user", sorted(c.tinker_path for c in mine.checkpoints), sorted([state, sampler]))
        info = rest.get_weights_info_by_tinker_path(state).result()
        compared.equal("weights info", (info.base_model, info.is_lora, info.lora_rank), (MODEL, True, 4))

        def find():
            return next(c for c in rest.list_checkpoints(run).result().checkpoints if c.tinker_path == state)

        rest.publish_checkpoint_from_tinker_path(state).result()
        compared.true("publish makes it public", find().public)
        rest.unpublish_checkpoint_from_tinker_path(state).result()
        compared.true("unpublish makes it private", not find().public)
        rest.set_checkpoint_ttl_from_tinker_path(state, 3600).result()
        compared.true("a TTL sets expires_at", find().expires_at is not None)
        rest.set_checkpoint_ttl_from_tinker_path(state, None).result()
        compared.equal("no TTL", find().expires_at, None)
        rest.delete_checkpoint_from_tinker_path(sampler).result()
        left = [c.tinker_path for c in rest.list_checkpoints(run).result().checkpoints]
        compared.equal("after delete", left, [state])
        compared.fails("deleting it again", lambda: rest.delete_checkpoint_from_tinker_path(sampler).result(), "404")


def check_sessions(report, rest, service, run, sampler):
    with report.check("sessions and samplers") as compared:
        session_id = run.split(":train:")[0]
        compared.true("the session is listed", session_id in rest.list_sessions(limit=100).result().sessions)
        session = rest.get_session(session_id).result()
        compared.true("it has the run", run in session.training_run_ids)
        if hasattr(session, "user_metadata"):
            compared.equal("user_metadata", session.user_metadata, {"suite": "interop"})
        sampler_info = rest.get_sampler(session.sampler_ids[-1]).result()
        compared.equal("base model of a sampler", sampler_info.base_model, MODEL)
        compared.fails("an unknown sampler", lambda: rest.get_sampler("none").result(), "404")
        rest.assign_session_project(session_id, "project-1").result()
        in_project = rest.list_training_runs(project_id="project-1", limit=100).result().training_runs
        compared.true("the project has the session's runs", run in [entry.training_run_id for entry in in_project])
        compared.fails(
            "a trace", lambda: rest.export_session_trace(session_id).result(), "records no traces"
        )


def check_search(report, rest):
    with report.check("search_sessions") as compared:
        if not hasattr(rest, "search_sessions"):
            raise Skip("this version of the SDK can't search")
        from tinker import types

        with connect(display_name="Interop needle", user_metadata={"needle": "yes"}) as other:
            done(other.create_sampling_client(base_model=MODEL))
            request = types.SessionSearchRequest(user_metadata={"needle": "yes"})
            found = rest.search_sessions(request).result().sessions
            compared.equal("by metadata", [entry.display_name for entry in found], ["Interop needle"])
            compared.equal("status", found[0].status.type, "active")
        found = rest.search_sessions(types.SessionSearchRequest(display_name="NEEDLE")).result().sessions
        compared.equal("by name, its id", len(found), 1)
        compared.equal("status after close", (found[0].status.type, found[0].status.reason.type), ("client_finished", "success"))
        page = rest.search_sessions(types.SessionSearchRequest(limit=1)).result()
        compared.true("there is a next page", page.next_cursor is not None)
        following = rest.search_sessions(types.SessionSearchRequest(limit=1, cursor=page.next_cursor)).result()
        compared.true("which has another session", following.sessions[0].session_id != page.sessions[0].session_id)


def check_copy(report, rest, service, state, saved, data):
    with report.check("copy_weights") as compared:
        if not hasattr(rest, "copy_weights"):
            raise Skip("this version of the SDK can't copy weights")
        copy = done(rest.copy_weights(state, "project-1", ttl_seconds=3600))
        path = getattr(copy, "tinker_path", copy)
        compared.true("the copy has a run of its own", path != state and path.endswith("/weights/state"))
        loaded = done(service.create_training_client_from_state(path))
        compared.equal("logprobs of the copy", forward_logprobs(loaded, data).tolist(), saved.tolist())


def check_exports(report, rest, training, state):
    with report.check("weights to download") as compared:
        if hasattr(training, "save_weights_external"):
            path = training.save_weights_external("export", ttl_seconds=3600).result().path
            compared.true("the path is external", "/external_weights/" in path)
            urls = rest.get_external_weights_urls(path).result().urls
            compared.equal("files", sorted(urls), ["adapter_config.json", "adapter_model.safetensors"])
            url = urls["adapter_model.safetensors"]
            compared.fails(
                "encryption",
                lambda: training.save_weights_external("secret", age_encryption_recipients=["age1x"]).result(),
                "does not encrypt",
            )
        else:
            answer = rest.get_checkpoint_archive_url_from_tinker_path(state).result()
            compared.true("the URL ends later", answer.expires > datetime.datetime.now(datetime.timezone.utc))
            url = answer.url
        with urllib.request.urlopen(url) as content:
            compared.true("the file is there, without a key", len(content.read()) > 10_000)


def check_account(report, rest, service):
    with report.check("what an administrator asks") as compared:
        admin = tinker.AdminClient() if hasattr(tinker, "AdminClient") else rest
        now = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
        day = datetime.timedelta(days=1)
        usage = admin.get_billing_usage(now - day, now).result()
        compared.equal("billing usage", list(usage.data), [])
        compared.equal("audit log", admin.get_audit_log().result().entries, [])
        if hasattr(admin, "get_current_checkpoint_storage_usage"):
            storage = admin.get_current_checkpoint_storage_usage().result()
            compared.true("storage is counted", storage.data[0].checkpoint_count > 0 and storage.data[0].size_bytes > 0)
            compared.equal("it costs", storage.data[0].estimated_monthly_cost_usd, 0)
        compared.fails("whoami", lambda: rest.whoami().result(), "whoami")


def check_end(report):
    with report.check("the end of a session") as compared:
        if VERSION < (0, 38):
            raise Skip("this version of the SDK can't close a session")
        service = connect()
        training = create_model(service)
        run = done(training.get_info()).model_id
        rest = rest_client(service)
        session_id = run.split(":train:")[0]
        service.close("success").result()
        compared.true("it is not listed", session_id not in rest.list_sessions(limit=100).result().sessions)
        compared.equal("the run is", rest.get_training_run(run).result().training_run_id, run)
