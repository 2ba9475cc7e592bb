"""Trains an adapter here for each model of fixtures/, loads it into PEFT and compares the logprobs.

Usage: checkAdapter.py   (after npm run build; needs what README.md says)
"""

import json
import subprocess
import tempfile
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
EXPORT = HERE / "../../dist/test/parity/exportAdapter.js"
TOLERANCE = 1e-4


def distance(folder, output):
    subprocess.run(["node", EXPORT, folder, output], check=True)
    text = json.loads((output / "logprobs.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    base = model.eval()
    tokens = torch.tensor(text["tokens"])

    def logprobs(model):
        with torch.no_grad():
            logits = model(input_ids=tokens[None, :-1]).logits[0]
        return torch.log_softmax(logits, -1).gather(-1, tokens[1:, None])[:, 0]

    ours = torch.tensor(text["logprobs"])
    before = (logprobs(base) - ours).abs().max().item()
    return before, (logprobs(PeftModel.from_pretrained(base, output).eval()) - ours).abs().max().item()


with tempfile.TemporaryDirectory() as temporary:
    for folder in sorted((HERE / "fixtures").iterdir()):
        before, after = distance(folder, Path(temporary) / folder.name)
        print(f"{folder.name}: largest difference of logprobs {after:.1e}, without the adapter {before:.1e}", flush=True)
        assert after < TOLERANCE < before, "PEFT computes something else with this adapter"
