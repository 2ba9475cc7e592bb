"""Sampling: saved weights, every option, logprobs."""

import pickle

import numpy as np
from support import (
    MODEL,
    VERSION,
    VOCABULARY,
    create_model,
    done,
    forward_logprobs,
    make_data,
    takes,
    text,
    train,
)
from report import Skip
from tinker import types


def next_token_datum(tokens):
    inputs = {"target_tokens": list(tokens[1:]), "weights": [1.0] * (len(tokens) - 1)}
    return types.Datum(model_input=text(tokens[:-1]), loss_fn_inputs=inputs)


def check_samplers(report, service):
    """Named and unnamed, from either kind of checkpoint."""
    tokens = [int(t) for t in np.random.default_rng(6).integers(0, VOCABULARY, 24)]
    with report.check("samplers of saved weights") as compared:
        training = create_model(service)
        train(training, [next_token_datum(tokens)], steps=80, learning_rate=3e-3)
        scored = forward_logprobs(training, [next_token_datum(tokens)])
        named = training.save_weights_for_sampler("sampler").result().path
        state = training.save_state("state").result().path
        greedy = types.SamplingParams(max_tokens=20, temperature=0, stop=[])
        samplers = {
            "named": done(training.create_sampling_client(named)),
            "of a state": done(service.create_sampling_client(model_path=state)),
            "unnamed": done(training.save_weights_and_get_sampling_client()),
        }
        train(training, make_data(2), steps=1)
        for name, sampler in samplers.items():
            drawn = sampler.sample(text(tokens[:4]), 1, greedy).result().sequences[0]
            compared.equal(f"what was learned, {name}", list(drawn.tokens), tokens[4:])
            logprobs = sampler.compute_logprobs(text(tokens)).result()
            compared.equal("the first logprob", logprobs[0], None)
            compared.close(f"compute_logprobs, {name}", logprobs[1:], scored)
            compared.equal("base model", done(sampler.get_base_model()), MODEL)


def check_options(report, service):
    sampler = done(service.create_sampling_client(base_model=MODEL))
    prompt = [5, 6, 7, 8]
    params = types.SamplingParams(max_tokens=10, seed=3, stop=[])
    whole = sampler.sample(text(prompt), 3, params).result()

    with report.check("samples, seed, max_tokens") as compared:
        again = sampler.sample(text(prompt), 3, params).result()
        drawn = [list(s.tokens) for s in whole.sequences]
        compared.equal("tokens of the same seed", [list(s.tokens) for s in again.sequences], drawn)
        compared.true("the samples differ", len({tuple(tokens) for tokens in drawn}) == 3)
        compared.equal("lengths", [len(tokens) for tokens in drawn], [10, 10, 10])
        compared.equal("stop reasons", [s.stop_reason for s in whole.sequences], ["length"] * 3)
        scored = [sampler.compute_logprobs(text(prompt + tokens)).result()[len(prompt) :] for tokens in drawn]
        compared.close("logprobs", [list(sequence.logprobs) for sequence in whole.sequences], scored)
        if VERSION >= (0, 38):
            compared.equal("sequence ids", len({s.sequence_id for s in whole.sequences}), 3)

    with report.check("temperature, top_k, top_p") as compared:
        one = types.SamplingParams(max_tokens=6, seed=1, top_k=1, stop=[])
        tiny = types.SamplingParams(max_tokens=6, seed=1, top_p=1e-6, stop=[])
        greedy = types.SamplingParams(max_tokens=6, temperature=0, stop=[])
        best = list(sampler.sample(text(prompt), 1, greedy).result().sequences[0].tokens)
        compared.equal("top_k 1", list(sampler.sample(text(prompt), 1, one).result().sequences[0].tokens), best)
        compared.equal("top_p 1e-6", list(sampler.sample(text(prompt), 1, tiny).result().sequences[0].tokens), best)

    with report.check("stop: tokens, [], text") as compared:
        tokens = list(whole.sequences[0].tokens)
        at = types.SamplingParams(max_tokens=10, seed=3, stop=[tokens[4]])
        stopped = sampler.sample(text(prompt), 1, at).result().sequences[0]
        compared.equal("up to the stop token", list(stopped.tokens), tokens[: tokens.index(tokens[4]) + 1])
        compared.equal("stop reason", stopped.stop_reason, "stop")
        letters = tokenizer_texts()
        stop = next(letters[t] for t in tokens[2:] if letters.get(t, "").isascii() and letters.get(t, "").isprintable())
        cut = types.SamplingParams(max_tokens=10, seed=3, stop=stop)
        stopped = list(sampler.sample(text(prompt), 1, cut).result().sequences[0].tokens)
        compared.equal("a start of the tokens", stopped, tokens[: len(stopped)])
        compared.true(f"the last completes {stop!r}", stop in "".join(letters.get(t, "\ufffd") for t in stopped))
        compared.true("the others do not", stop not in "".join(letters.get(t, "\ufffd") for t in stopped[:-1]))

    with report.check("prompt logprobs and top-k prompt logprobs") as compared:
        result = sampler.sample(
            text(prompt), 1, params, include_prompt_logprobs=True, topk_prompt_logprobs=VOCABULARY
        ).result()
        expected = sampler.compute_logprobs(text(prompt)).result()
        compared.equal("prompt logprobs", list(result.prompt_logprobs), list(expected))
        compared.equal("no top-k for the first token", result.topk_prompt_logprobs[0], None)
        rows = [dict(row) for row in result.topk_prompt_logprobs[1:]]
        compared.equal("the prompt tokens' own", [row[token] for row, token in zip(rows, prompt[1:])], expected[1:])
        compared.close("probabilities in all", [np.exp(list(row.values())).sum() for row in rows], [1] * len(rows))
    check_new_options(report, sampler, prompt, params)


def tokenizer_texts():
    """The printable text of each token of the served model, from the tokenizer that the server gives."""
    import json
    import os
    import urllib.request

    url = f"{os.environ['TINKER_BASE_URL']}/api/v1/tokenizers/{MODEL}/tokenizer.json"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"x-api-key": os.environ["TINKER_API_KEY"]})) as answer:
        vocabulary = json.load(answer)["model"]["vocab"]
    return {id: token.replace("\u0120", " ").replace("\u010a", "\n") for token, id in vocabulary.items()}


def check_new_options(report, sampler, prompt, params):
    with report.check("top-k of samples, targets, alternatives, the last n") as compared:
        if not takes(sampler.sample, "topk_sample_logprobs", "target_prompt_logprobs"):
            raise Skip("this version of the SDK has none of them")
        full = sampler.sample(text(prompt), 1, params, topk_sample_logprobs=VOCABULARY).result().sequences[0]
        own = [dict(row)[token] for token, row in zip(full.tokens, full.topk_logprobs)]
        compared.equal("the sampled tokens' own", own, list(full.logprobs))
        expected = sampler.compute_logprobs(text(prompt)).result()
        targets = types.TensorData(data=[6, 1, 7, -1, 8, 2], dtype="int64", shape=[3, 2])
        scored = sampler.sample(text(prompt), 1, params, target_prompt_logprobs=targets).result().target_prompt_logprobs
        compared.equal("shape of the targets", list(scored.shape), [3, 2])
        compared.equal("targets that are the prompt", list(map(float, scored.data[::2])), expected[1:])
        compared.equal("target -1", float(scored.data[3]), 0.0)
        sparse = types.TensorData(
            data=[6, 8], dtype="int64", shape=[3, 9], sparse_crow_indices=[0, 1, 1, 2], sparse_col_indices=[4, 0]
        )
        scored = sampler.sample(text(prompt), 1, params, target_prompt_logprobs=sparse).result().target_prompt_logprobs
        compared.equal("sparse targets", list(map(float, scored.data)), [expected[1], expected[3]])
        compared.equal("columns", list(scored.sparse_col_indices), [4, 0])
        drawn = sampler.sample(text(prompt), 1, params, prompt_alt_tokens_k=200).result().prompt_alt_tokens
        compared.equal("shape of the alternatives", list(drawn.tokens.shape), [3, 200])
        first = np.asarray(drawn.logprobs.data).reshape(3, 200).mean(axis=1)
        compared.true("likely tokens are drawn more often", (first > -np.log(VOCABULARY)).all())
        last = sampler.sample(
            text(prompt), 1, params, include_prompt_logprobs=True, topk_prompt_logprobs=1, prompt_logprobs_last_n=2
        ).result()
        compared.equal("the last 2", list(last.prompt_logprobs), [None, None, *expected[2:]])
        compared.equal("top-k of the last 2", [row is None for row in last.topk_prompt_logprobs], [True, True, False, False])
        rows = sampler.compute_logprobs(text(prompt), prompt_logprobs_last_n=1).result()
        compared.equal("compute_logprobs of the last", list(rows), [None, None, None, expected[3]])


def check_many(report, service):
    with report.check("200 samples at once, one given up") as compared:
        sampler = done(service.create_sampling_client(base_model=MODEL))
        params = [types.SamplingParams(max_tokens=4, seed=index, stop=[]) for index in range(200)]
        long = sampler.sample(text([1]), 8, types.SamplingParams(max_tokens=1500, stop=[]))
        futures = [sampler.sample(text([1, 2, 3]), 1, each) for each in params]
        long.cancel()
        drawn = [list(future.result(timeout=120).sequences[0].tokens) for future in futures]
        again = [list(sampler.sample(text([1, 2, 3]), 1, each).result().sequences[0].tokens) for each in params[:5]]
        compared.equal("results", len(drawn), 200)
        compared.equal("each goes to its own call", drawn[:5], again)


def check_refusals(report, service):
    with report.check("what the server refuses to sample") as compared:
        sampler = done(service.create_sampling_client(base_model=MODEL))
        params = types.SamplingParams(max_tokens=2)
        compared.fails("a token outside", lambda: sampler.sample(text([2000]), 1, params).result(), "400", "2000")
        compared.fails("no prompt", lambda: sampler.sample(text([]), 1, params).result(), "400", "prompt")
        compared.fails("no samples", lambda: sampler.sample(text([1]), 0, params).result(), "422", "num_samples")
        picture = types.ModelInput(chunks=[types.ImageChunk(data=b"\x89PNG", format="png")])
        compared.fails("an image", lambda: sampler.sample(picture, 1, params).result(), "400", "text only")
        compared.fails(
            "a path that there is not",
            lambda: done(service.create_sampling_client(model_path="tinker://x/sampler_weights/y")).sample(text([1]), 1, params).result(),
            "does not exist",
        )
        if takes(service.create_sampling_client, "record_stability_info"):
            recording = done(service.create_sampling_client(base_model=MODEL, record_stability_info=True))
            compared.fails(
                "stability info", lambda: recording.sample(text([1]), 1, params).result(), "400", "record_stability_info"
            )


def check_inflight(report, service):
    with report.check("inflight and snapshot samplers") as compared:
        training = create_model(service)
        if not takes(training.save_weights_and_get_sampling_client, "kind"):
            raise Skip("this version of the SDK has no kinds of samplers")
        data = make_data(3, seed=8)
        prompt = text([1, 2, 3, 4])
        snapshot = done(training.save_weights_and_get_sampling_client(kind="snapshot"))
        inflight = done(training.save_weights_and_get_sampling_client(kind="inflight"))
        before = inflight.compute_logprobs(prompt).result()
        compared.equal("inflight and snapshot of the same weights", snapshot.compute_logprobs(prompt).result(), before)
        train(training, data)
        compared.equal("inflight before the next save", inflight.compute_logprobs(prompt).result(), before)
        newest = done(training.save_weights_and_get_sampling_client(kind="inflight"))
        after = newest.compute_logprobs(prompt).result()
        compared.true("the save changes the logprobs", after != before)
        compared.equal("the earlier inflight sampler", inflight.compute_logprobs(prompt).result(), after)
        compared.equal("the snapshot", snapshot.compute_logprobs(prompt).result(), before)


def check_handles(report, service):
    with report.check("a sampler in another client") as compared:
        sampler = done(service.create_sampling_client(base_model=MODEL))
        expected = sampler.compute_logprobs(text([3, 4, 5])).result()
        copy = pickle.loads(pickle.dumps(sampler))
        compared.equal("logprobs of the unpickled client", copy.compute_logprobs(text([3, 4, 5])).result(), expected)
        if hasattr(sampler, "get_sampler_handle"):
            other = type(sampler).from_sampler_handle(sampler.get_sampler_handle())
            compared.equal("logprobs by the handle", other.compute_logprobs(text([3, 4, 5])).result(), expected)
