"""Runs one task by the official Python SDK, as its users would write it, and reports."""

import json
import resource
import sys
import time

ORDER = json.loads(sys.argv[1])
TASK = ORDER["task"]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Measuring:
    def __init__(self):
        self.cpu = cpu()
        self.started = time.perf_counter()

    def stop(self):
        wall = time.perf_counter() - self.started
        report = {
            "wallMs": 1000 * wall,
            "cpuMs": 1000 * (cpu() - self.cpu),
            "peakMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(report), flush=True)


def tokens_of(datums, tokens):
    import numpy as np

    flat = (7919 * (np.arange(datums * tokens, dtype=np.int64) + 1)) % 50_000
    return list(flat.reshape(datums, tokens))


def connect():
    import tinker

    return tinker.ServiceClient(base_url=ORDER["url"], api_key="tml-bench")


def create(service):
    return service.create_lora_training_client("bench/model", rank=32)


def typed_batch(datums, tokens):
    import numpy as np
    from tinker import types

    return [
        types.Datum(
            model_input=types.ModelInput.from_ints(array.tolist()),
            loss_fn_inputs={"target_tokens": array, "weights": np.ones(tokens, np.float32)},
        )
        for array in tokens_of(datums, tokens)
    ]


def train():
    from tinker import types

    datums, tokens, mode = TASK["datums"], TASK["tokens"], TASK["mode"]
    typed = typed_batch(datums, tokens)
    numbers = [(array.tolist(), [1.0] * tokens) for array in tokens_of(datums, tokens)]

    def data():
        if TASK["from"] == "typed":
            return typed
        return [
            types.Datum(
                model_input=types.ModelInput.from_ints(own),
                loss_fn_inputs={"target_tokens": own, "weights": weights},
            )
            for own, weights in numbers
        ]

    training = create(connect())
    adam = types.AdamParams(learning_rate=1e-4)
    first = training.forward_backward(data(), "cross_entropy")
    training.optim_step(adam).result()
    first.result()
    measuring = Measuring()
    waiting = []
    for _ in range(TASK["steps"]):
        backward = training.forward_backward(data(), "cross_entropy")
        if mode == "awaited":
            backward.result()
        step = training.optim_step(adam)
        if mode == "pipelined":
            waiting += [backward, step]
        else:
            backward.result()
            step.result()
    for future in waiting:
        future.result()
    measuring.stop()


def sample():
    from tinker import types

    sampling = connect().create_sampling_client(base_model="bench/model")
    prompts = [types.ModelInput.from_ints(a.tolist()) for a in tokens_of(TASK["requests"], TASK["prompt"])]
    params = types.SamplingParams(max_tokens=64, temperature=0.7)
    sampling.sample(prompts[0], 1, params).result()
    measuring = Measuring()
    futures = [sampling.sample(prompt, 1, params) for prompt in prompts]
    for future in futures:
        future.result()
    measuring.stop()


def custom_loss():
    try:
        import torch  # noqa: F401
    except ImportError:
        print("SKIP PyTorch is not installed beside the SDK", flush=True)
        return

    def loss(_, logprobs):
        return sum(-values.exp().sum() for values in logprobs), {}

    training = create(connect())
    data = typed_batch(TASK["datums"], TASK["tokens"])
    training.forward_backward_custom(data, loss).result()
    measuring = Measuring()
    for _ in range(TASK["steps"]):
        training.forward_backward_custom(data, loss).result()
    measuring.stop()


def start():
    measuring = Measuring()
    service = connect()
    from tinker import types

    training = create(service)
    tokens = list(range(16))
    inputs = {"target_tokens": tokens, "weights": [1.0] * 16}
    datum = types.Datum(model_input=types.ModelInput.from_ints(tokens), loss_fn_inputs=inputs)
    backward = training.forward_backward([datum], "cross_entropy")
    step = training.optim_step(types.AdamParams(learning_rate=1e-4))
    backward.result()
    step.result()
    measuring.stop()


TASKS = {"train": train, "sample": sample, "customLoss": custom_loss, "start": start}
TASKS[TASK["kind"]]()
# The threads of the SDK would hold the process up.
import os  # noqa: E402

os._exit(0)
