"""Trains the plan in a JSON file and prints the path of the saved state."""

import json
import logging
import sys
import warnings

import numpy as np
from support import connect, done, text
from tinker import types


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    data = [
        types.Datum(
            model_input=text(datum["tokens"]),
            loss_fn_inputs={
                "target_tokens": datum["targets"],
                "weights": np.asarray(datum["weights"], np.float32),
            },
        )
        for datum in plan["data"]
    ]
    service = connect()
    training = done(service.create_lora_training_client(plan["base_model"], rank=plan["rank"], seed=plan["seed"]))
    for _ in range(plan["steps"]):
        backward = training.forward_backward(data, "cross_entropy")
        step = training.optim_step(types.AdamParams(learning_rate=plan["learning_rate"]))
        backward.result()
        step.result()
    print(training.save_state(plan["name"]).result().path)


if __name__ == "__main__":
    main()
