"""The training step of engine.ts in PyTorch with PEFT, on the CPU: prints {"milliseconds", "peakMegabytes", "note"}.

Usage: peftStep.py THREADS   (in an environment made as ../parity/README.md says)
"""

import json
import resource
import sys
import time

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

ROWS, LENGTH, STEPS = 8, 128, 9
threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.manual_seed(1)
config = LlamaConfig(
    vocab_size=512,
    hidden_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=4,
    intermediate_size=688,
    max_position_embeddings=256,
    tie_word_embeddings=True,
)
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
lora = peft.LoraConfig(r=8, lora_alpha=32, lora_dropout=0, target_modules=targets, bias="none")
model = peft.get_peft_model(LlamaForCausalLM(config), lora)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0)
tokens, labels = (torch.randint(512, (ROWS, LENGTH)) for _ in range(2))


def step():
    logits = model(input_ids=tokens).logits
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum").backward()
    optimizer.step()
    optimizer.zero_grad()


def timed():
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1000


for _ in range(3):
    step()
milliseconds = sorted(timed() for _ in range(STEPS))[STEPS // 2]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
note = f"PyTorch {torch.__version__}, PEFT {peft.__version__}"
print(json.dumps({"milliseconds": milliseconds, "peakMegabytes": peak, "note": note}))
