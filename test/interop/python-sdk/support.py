"""What the checks share: the connection, the data, and how the versions of the SDK differ."""

import inspect
import os

import numpy as np
import tinker
from tinker import types

BASE_URL = os.environ["TINKER_BASE_URL"]
MODEL = "rxtinker/tiny"
VOCABULARY = 1024
VERSION = tuple(int(part) for part in tinker.__version__.split(".")[:2])


def done(value):
    """The result of what may be a future: later versions return futures where earlier ones wait."""
    return value.result() if hasattr(value, "result") else value


def takes(function, *names):
    """Whether this version's function has the parameters."""
    parameters = inspect.signature(function).parameters
    return all(name in parameters for name in names)


def connect(**options):
    return tinker.ServiceClient(**options)


def rest_client(service):
    return tinker.RestClient() if hasattr(tinker, "RestClient") else service.create_rest_client()


def create_model(service, rank=4, seed=7, **options):
    return done(service.create_lora_training_client(MODEL, rank=rank, seed=seed, **options))


def text(tokens):
    return types.ModelInput.from_ints([int(token) for token in tokens])


def make_data(count, seed=0, least=6, most=14):
    """Datums of random tokens for cross_entropy, with weights that are not all 1."""
    random = np.random.default_rng(seed)
    data = []
    for _ in range(count):
        tokens = random.integers(0, VOCABULARY, random.integers(least, most) + 1)
        weights = random.choice([0.0, 0.5, 1.0], len(tokens) - 1).astype(np.float32)
        inputs = {"target_tokens": tokens[1:].tolist(), "weights": weights.tolist()}
        data.append(types.Datum(model_input=text(tokens[:-1]), loss_fn_inputs=inputs))
    return data


def with_inputs(data, **inputs):
    """The same datums with other loss inputs; each of `inputs` has one value a datum."""
    changed = []
    for index, datum in enumerate(data):
        own = {name: values[index] for name, values in inputs.items()}
        own["target_tokens"] = datum.loss_fn_inputs["target_tokens"]
        changed.append(types.Datum(model_input=datum.model_input, loss_fn_inputs=own))
    return changed


def floats(values):
    array = np.asarray(values, np.float32)
    return types.TensorData(data=array.ravel().tolist(), dtype="float32", shape=list(array.shape))


def logprobs_of(output):
    return [np.asarray(record["logprobs"].data, np.float32) for record in output.loss_fn_outputs]


def forward_logprobs(training, data):
    return np.concatenate(logprobs_of(training.forward(data, "cross_entropy").result()))


def train(training, data, steps=1, learning_rate=1e-2):
    for _ in range(steps):
        training.forward_backward(data, "cross_entropy").result()
        training.optim_step(types.AdamParams(learning_rate=learning_rate)).result()
