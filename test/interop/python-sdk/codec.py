"""Reads messages of ours by the SDK's own code: requests are written again, results are told value by value."""

import base64
import json
import struct
import sys

import numpy as np
from tinker.proto import tinker_public_pb2 as messages
from tinker.proto.response_conv import deserialize_forward_backward_output, deserialize_sample_response


def request(data):
    message = messages.ForwardBackwardRequest()
    message.ParseFromString(data)
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def numbers(array, dtype):
    """Floats as their bits, which tell zeros apart; NaN has many and is told by name."""
    values = np.asarray(array).ravel()
    if dtype == "float32":
        floats = values.astype(np.float32, copy=False)
        return ["NaN" if nan else int(bits) for nan, bits in zip(np.isnan(floats), floats.view(np.uint32))]
    return [str(int(value)) for value in values]


def double(value):
    return "NaN" if value != value else struct.pack("<d", value).hex()


def tensor(data):
    if data is None:
        return None
    told = {"dtype": data.dtype, "shape": list(data.shape), "data": numbers(data.data, data.dtype)}
    if data.sparse_crow_indices is not None:
        told["sparse"] = [list(data.sparse_crow_indices), list(data.sparse_col_indices)]
    return told


def output(data):
    result = deserialize_forward_backward_output(data)
    return {
        "type": result.loss_fn_output_type,
        "outputs": [{name: tensor(each) for name, each in datum.items()} for datum in result.loss_fn_outputs],
        "metrics": {name: double(value) for name, value in result.metrics.items()},
    }


def rows(topk):
    if topk is None:
        return None
    return [topk.token_ids.ravel().tolist(), numbers(topk.logprobs, "float32")]


def sample(data):
    result = deserialize_sample_response(data)
    floats = lambda array: None if array is None else numbers(array, "float32")
    alternatives = result.prompt_alt_tokens
    return {
        "sequences": [
            {
                "stop": sequence.stop_reason,
                "tokens": sequence.tokens_np.tolist(),
                "logprobs": floats(sequence.logprobs_np),
                "topk": rows(sequence.topk_logprobs_np),
            }
            for sequence in result.sequences
        ],
        "prompt": floats(result.prompt_logprobs_np),
        "topk": rows(result.topk_prompt_logprobs_np),
        "targets": tensor(result.target_prompt_logprobs),
        "alternatives": alternatives and [tensor(alternatives.tokens), tensor(alternatives.logprobs)],
        "cached": result.prompt_cache_hit_tokens,
    }


given = json.load(open(sys.argv[1]))
readers = {"requests": request, "outputs": output, "samples": sample}
json.dump(
    {kind: [read(base64.b64decode(each)) for each in given[kind]] for kind, read in readers.items()},
    open(sys.argv[2], "w"),
)
