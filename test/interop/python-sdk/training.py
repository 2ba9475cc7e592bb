"""Training: creation, every loss, the optimizer, saved states."""

import numpy as np
from tinker import types

from support import (
    MODEL,
    create_model,
    done,
    floats,
    forward_logprobs,
    logprobs_of,
    make_data,
    takes,
    train,
    with_inputs,
)

POLICY_LOSSES = {
    # name: (config, the loss by p, q, advantages), from the definitions in the SDK's documentation
    "importance_sampling": ({}, lambda p, q, a: -(np.exp(p - q) * a).sum()),
    "ppo": (
        {"clip_low_threshold": 0.9, "clip_high_threshold": 1.1},
        lambda p, q, a: -np.minimum(np.exp(p - q) * a, np.clip(np.exp(p - q), 0.9, 1.1) * a).sum(),
    ),
    "cispo": (
        {"clip_low_threshold": 0.8, "clip_high_threshold": 1.2},
        lambda p, q, a: -(np.clip(np.exp(p - q), 0.8, 1.2) * p * a).sum(),
    ),
    "dro": ({"beta": 0.05}, lambda p, q, a: -(p * a - 0.5 * 0.05 * (p - q) ** 2).sum()),
    "gspo": (
        {"clip_low_threshold": 0.9, "clip_high_threshold": 1.1},
        lambda p, q, a: -np.minimum(
            np.exp((p - q).mean()) * a, np.clip(np.exp((p - q).mean()), 0.9, 1.1) * a
        ).sum(),
    ),
}


def check_creation(report, service):
    with report.check("create") as compared:
        training = create_model(service, user_metadata={"purpose": "interop"})
        info = done(training.get_info())
        compared.equal("base model", info.model_data.model_name, MODEL)
        compared.equal("rank", info.lora_rank, 4)
        compared.true("it is LoRA", info.is_lora)
        compared.fails(
            "a base model that there is not",
            lambda: done(service.create_lora_training_client("no/model", rank=4)),
            "no/model",
        )


def check_losses(report, service):
    data = make_data(5, seed=1)
    with report.check("forward and cross_entropy") as compared:
        training = create_model(service)
        forward = training.forward(data, "cross_entropy").result()
        output = training.forward_backward(data, "cross_entropy").result()
        p = logprobs_of(output)
        weights = [np.asarray(datum.loss_fn_inputs["weights"].data) for datum in data]
        expected = sum(-(w * x).sum() for w, x in zip(weights, p))
        compared.close("loss:sum", output.metrics["loss:sum"], expected)
        compared.equal("forward's logprobs", [x.tolist() for x in logprobs_of(forward)], [x.tolist() for x in p])
        compared.true("logprobs are negative", all((x < 0).all() for x in p))
        compared.equal("outputs", len(output.loss_fn_outputs), len(data))
    random = np.random.default_rng(2)
    p = logprobs_of(training.forward(data, "cross_entropy").result())
    q = [x + random.normal(0, 0.2, x.shape).astype(np.float32) for x in p]
    advantages = [random.normal(0, 1, x.shape).astype(np.float32) for x in p]
    policy_data = with_inputs(data, logprobs=list(map(floats, q)), advantages=list(map(floats, advantages)))
    for loss, (config, formula) in POLICY_LOSSES.items():
        with report.check(f"forward_backward {loss}") as compared:
            output = training.forward_backward(policy_data, loss, config).result()
            expected = sum(formula(x.astype(float), y, a) for x, y, a in zip(p, q, advantages))
            compared.close("loss:sum", output.metrics["loss:sum"], expected)
            compared.close("logprobs", np.concatenate(logprobs_of(output)), np.concatenate(p))
    check_refusals(report, training, data)


def check_refusals(report, training, data):
    with report.check("what the server refuses") as compared:
        other = with_inputs(data, advantages=[floats(np.zeros(2)) for _ in data], logprobs=[floats(np.zeros(2))] * len(data))
        compared.fails("other lengths", lambda: training.forward_backward(other, "ppo").result(), "400")
        outside = [types.Datum(model_input=types.ModelInput.from_ints([2000]), loss_fn_inputs={"target_tokens": [1], "weights": [1.0]})]
        compared.fails("a token outside", lambda: training.forward_backward(outside, "cross_entropy").result(), "400", "2000")
        compared.fails("an unknown loss", lambda: training.forward_backward(data, "mse").result(), "mse")


def check_optimizer(report, service):
    data = make_data(4, seed=3)
    with report.check("optim_step") as compared:
        first, second = create_model(service), create_model(service)
        before = forward_logprobs(first, data)
        compared.equal("logprobs of equal seeds", forward_logprobs(second, data).tolist(), before.tolist())
        backward = first.forward_backward(data, "cross_entropy")
        step = first.optim_step(types.AdamParams(learning_rate=1e-2, weight_decay=0.1, grad_clip_norm=1.0))
        loss = backward.result().metrics["loss:sum"]
        compared.true("the metrics have a gradient norm", step.result().metrics["grad_norm:mean"] > 0)
        train(first, data, steps=4)
        after = first.forward(data, "cross_entropy").result()
        compared.true("5 steps halve the loss", after.metrics["loss:sum"] < loss / 2)
        compared.equal("the other model's logprobs", forward_logprobs(second, data).tolist(), before.tolist())


def check_chunks(report, service):
    with report.check("300 datums in 3 chunks") as compared:
        data = make_data(300, seed=4, most=8)
        training = create_model(service)
        output = training.forward_backward(data, "cross_entropy").result()
        compared.equal("outputs", len(output.loss_fn_outputs), 300)
        parts = [training.forward(data[at : at + 50], "cross_entropy").result() for at in range(0, 300, 50)]
        compared.close("loss:sum", output.metrics["loss:sum"], sum(part.metrics["loss:sum"] for part in parts), 1e-5)
        whole = np.concatenate(logprobs_of(output))
        compared.close("logprobs", whole, np.concatenate([x for part in parts for x in logprobs_of(part)]))


def check_states(report, service):
    data = make_data(4, seed=5)
    with report.check("save_state, load_state and both creations from a state") as compared:
        training = create_model(service)
        train(training, data, steps=3)
        metadata = {"user_metadata": {"step": "3"}} if takes(training.save_state, "user_metadata") else {}
        path = training.save_state("three", **metadata).result().path
        compared.true("the path names the run", path.endswith("/weights/three"))
        saved = forward_logprobs(training, data).tolist()
        plain = done(service.create_training_client_from_state(path))
        whole = done(service.create_training_client_from_state_with_optimizer(path))
        compared.equal("logprobs from the state", forward_logprobs(plain, data).tolist(), saved)
        compared.equal("logprobs from the state with optimizer", forward_logprobs(whole, data).tolist(), saved)
        train(training, data)
        train(plain, data)
        train(whole, data)
        going_on = forward_logprobs(training, data).tolist()
        compared.equal("a further step with the optimizer's state", forward_logprobs(whole, data).tolist(), going_on)
        compared.true("it differs without", forward_logprobs(plain, data).tolist() != going_on)
        training.load_state(path).result()
        compared.equal("logprobs after load_state", forward_logprobs(training, data).tolist(), saved)
        training.load_state_with_optimizer(path).result()
        train(training, data)
        compared.equal("a step after load_state_with_optimizer", forward_logprobs(training, data).tolist(), going_on)
        again = training.save_state("three", overwrite=True).result().path
        compared.equal("path with overwrite", again, path)
        compared.fails(
            "a state that there is not",
            lambda: done(service.create_training_client_from_state(path + "x")),
            "does not exist",
        )
