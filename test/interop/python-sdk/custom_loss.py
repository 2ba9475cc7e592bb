"""Losses of the caller's own, in PyTorch."""

import numpy as np
from report import Skip
from support import VERSION, create_model, done, floats, forward_logprobs, make_data, with_inputs
from tinker import types


def check_custom_losses(report, service):
    data = make_data(4, seed=9)
    step = types.AdamParams(learning_rate=1e-3)
    with report.check("forward_backward_custom") as compared:
        torch = require_torch()
        builtin, custom = create_model(service), create_model(service)
        p = np.split(forward_logprobs(builtin, data), np.cumsum([d.model_input.length for d in data])[:-1])
        q = [x - 0.1 for x in p]
        advantages = [np.linspace(-1, 1, len(x)) for x in p]

        def importance_sampling(datums, logprobs):
            terms = [
                -(torch.exp(x - torch.tensor(y)) * torch.tensor(a)).sum() for x, y, a in zip(logprobs, q, advantages)
            ]
            return sum(terms), {"largest_probability:max": float(max(torch.exp(x).max() for x in logprobs))}

        policy_data = with_inputs(data, logprobs=list(map(floats, q)), advantages=list(map(floats, advantages)))
        expected = builtin.forward_backward(policy_data, "importance_sampling").result()
        targets = with_inputs(data)
        got = custom.forward_backward_custom(targets, importance_sampling).result()
        compared.close("its own metric", got.metrics["largest_probability:max"], max(np.exp(x).max() for x in p))
        if VERSION >= (0, 38):
            compared.close("loss:sum", got.metrics["loss:sum"], expected.metrics["loss:sum"])
        norms = [model.optim_step(step).result().metrics["grad_norm:mean"] for model in (builtin, custom)]
        compared.close("the gradient's norm", norms[1], norms[0], 1e-3)
        compared.close("logprobs after a step", forward_logprobs(custom, data), forward_logprobs(builtin, data), 1e-3)
    check_handle(report, service, data)


def check_handle(report, service, data):
    with report.check("create_custom_loss") as compared:
        torch = require_torch()
        if not hasattr(service, "create_custom_loss"):
            raise Skip("this version of the SDK can't create losses")

        def squared(logprobs, wanted):
            return ((logprobs - wanted) ** 2).sum(), {"custom/worst:sum": torch.exp(logprobs).sum()}

        handle = done(service.create_custom_loss(squared, {"logprobs": 1, "wanted": 1}))
        training = create_model(service)
        p = np.split(forward_logprobs(training, data), np.cumsum([d.model_input.length for d in data])[:-1])
        wanted = [np.full(len(x), -3, np.float32) for x in p]
        custom_data = with_inputs(data, wanted=list(map(floats, wanted)))
        output = training.forward_backward_custom(custom_data, handle).result()
        compared.close("loss:sum", output.metrics["loss:sum"], sum(((x + 3) ** 2).sum() for x in p))
        compared.close("its own metric", output.metrics["custom/worst:sum"], sum(np.exp(x).sum() for x in p))
        compared.true("a step follows", training.optim_step(types.AdamParams()).result().metrics["grad_norm:mean"] > 0)
        where = "on the server" if handle.loss_id else "in this process"
        compared.true(f"it ran {where}", True)


def require_torch():
    try:
        import torch
    except ImportError as error:
        raise Skip(f"PyTorch can't be loaded: {error}") from error
    return torch
