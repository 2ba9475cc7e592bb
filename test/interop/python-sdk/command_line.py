"""The SDK's commands, run as a user runs them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from support import MODEL, VERSION, create_model, make_data, train


def tinker(*arguments):
    """Runs a command; gives its exit status, standard output and standard error."""
    command = [str(Path(sys.executable).parent / "tinker"), *arguments]
    for attempt in range(3):
        ran = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=120)
        # On a busy machine its threads may abort the interpreter while it ends, whatever the command did.
        if ran.returncode != -signal.SIGABRT or attempt == 2:
            return ran.returncode, ran.stdout, ran.stderr
        print(f"NOTE tinker {' '.join(arguments)} aborted, and is run again: {ran.stderr.strip()[-200:]}")


def read(*arguments):
    status, out, error = tinker("-f", "json", *arguments)
    if status != 0:
        raise AssertionError(f"tinker {' '.join(arguments)} ended with {status}: {error}{out}")
    return json.loads(out)


def check_command_line(report, service):
    training = create_model(service)
    train(training, make_data(2, seed=12))
    state = training.save_state("from-command-line").result().path
    run = state.split("/")[2]

    with report.check("tinker run, checkpoint, version") as compared:
        runs = read("run", "list", "--limit", "0")["runs"]
        ids = [entry.get("training_run_id", entry.get("id")) for entry in runs]
        compared.true("run list has the run", run in ids)
        compared.true("run info has its model", MODEL in json.dumps(read("run", "info", run)))
        listed = read("checkpoint", "list", "--run-id", run)["checkpoints"]
        compared.equal("checkpoint list", [entry["tinker_path"] for entry in listed], [state])
        compared.true("checkpoint list of all", len(read("checkpoint", "list", "--limit", "0")["checkpoints"]) > 1)
        info = read("checkpoint", "info", state)
        compared.equal("checkpoint info", (info["tinker_path"], info["lora_rank"]), (state, 4))
        status, out, _ = tinker("version")
        compared.equal("version", (status, out.strip()), (0, f"tinker {version()}"))
        status, _, error = tinker("run", "info", "none")
        compared.true("an unknown run is an error", status == 1 and "none" in error)

    with report.check("tinker checkpoint publish, set-ttl, download, delete") as compared:
        for action in ("publish", "unpublish"):
            compared.equal(action, tinker("checkpoint", action, state)[0], 0)
        compared.equal("set-ttl", tinker("checkpoint", "set-ttl", state, "--ttl", "7200")[0], 0)
        compared.true("expires_at is set", read("checkpoint", "info", state)["expires_at"] is not None)
        compared.equal("set-ttl --remove", tinker("checkpoint", "set-ttl", state, "--remove")[0], 0)
        with tempfile.TemporaryDirectory() as directory:
            answer = read("checkpoint", "download", state, "--output", directory)
            files = sorted(path.name for path in Path(answer["destination"]).iterdir())
            expected = ["adapter_config.json", "adapter_model.safetensors"]
            compared.equal("downloaded files", [name for name in files if name != "checkpoint_complete"], expected)
            config = json.loads((Path(answer["destination"]) / "adapter_config.json").read_text())
            compared.equal("adapter", (config["r"], config["lora_alpha"]), (4, 32))
            check_adapter(compared, Path(answer["destination"]) / "adapter_model.safetensors")
        left = [entry["checkpoint_id"] for entry in read("checkpoint", "list", "--limit", "0")["checkpoints"]]
        compared.true("the export is gone", "external_weights/download" not in left)
        compared.equal("delete", tinker("checkpoint", "delete", "-y", state)[0], 0)
        compared.equal("afterwards", read("checkpoint", "list", "--run-id", run)["checkpoints"], [])

    with report.check("tinker model, billing") as compared:
        if VERSION >= (0, 38):
            compared.true("model list", MODEL in json.dumps(read("model", "list")))
            usage = read("billing", "usage", "2026-01-01", "2026-01-02")
            compared.equal("billing usage", usage["data"], [])
            compared.true("checkpoint-storage", "data" in read("billing", "checkpoint-storage"))
            status, out, _ = tinker("auth", "status")
            compared.true("auth status", status == 0 and out.count("yes") == 2)
        else:
            compared.equal("help", tinker("--help")[0], 0)


def check_adapter(compared, file):
    from safetensors.numpy import load_file

    tensors = load_file(file)
    ranks = {tensor.shape[0] for name, tensor in tensors.items() if ".lora_A." in name}
    compared.equal("rank of every A", ranks, {4})
    compared.true("B has been trained", any(abs(t).max() > 0 for name, t in tensors.items() if ".lora_B." in name))


def version():
    import tinker as sdk

    return sdk.__version__
