"""Makes the models in fixtures/ and what PyTorch and PEFT compute with them.

Usage: makeFixtures.py   (needs torch, transformers, peft and safetensors; see README.md)

Each model is tiny and random, of the sizes that config.json says. reference.safetensors holds, for a LoRA adapter away
from zero: logprobs of the targets, the gradient of every matrix for every loss, the matrices after ten steps of AdamW,
and a greedy sample. Every datum is computed alone, in float32.
"""

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

FOLDER = Path(__file__).parent / "fixtures"
VOCABULARY = 64
RANK = 2
LENGTHS = (12, 16, 9)
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 128,
    "initializer_range": 0.15,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, tie_word_embeddings=False, rope_parameters=LLAMA3),
    "llama-tied": LlamaConfig(**SIZES, tie_word_embeddings=True, rope_parameters=LINEAR),
    "qwen2": Qwen2Config(**SIZES, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**SIZES, head_dim=12, tie_word_embeddings=False),
    "qwen3-tied": Qwen3Config(**SIZES, head_dim=12, tie_word_embeddings=True),
}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head"]
CLIP = {"ppo": (0.8, 1.2), "cispo": (0.0, 4.0), "gspo": (0.8, 1.2)}
BETA = 0.05
ADAM = {"lr": 3e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
CLIP_NORM = 1.0


def elementwise(loss, p, datum):
    """The loss of each position; p are the targets' logprobs."""
    advantages = datum["advantages"]
    if loss == "cross_entropy":
        return -datum["weights"] * p
    distance = p - datum["logprobs"]
    if loss == "dro":
        return -(p * advantages - 0.5 * BETA * distance**2)
    ratio = torch.exp(distance)
    if loss == "importance_sampling":
        return -ratio * advantages
    low, high = CLIP[loss]
    if loss == "cispo":
        return -ratio.clamp(low, high).detach() * p * advantages
    if loss == "gspo":
        ratio = torch.exp(distance.mean()).detach() * torch.exp(p - p.detach())
    return -torch.minimum(ratio * advantages, ratio.clamp(low, high) * advantages)


LOSSES = ("cross_entropy", "importance_sampling", "dro", *CLIP)


def make_data(generator):
    def uniform(length, low, high):
        return low + (high - low) * torch.rand(length, generator=generator)

    def tokens(length):
        return torch.randint(VOCABULARY, (length,), generator=generator)

    return [
        {
            "tokens": tokens(n),
            "target_tokens": tokens(n),
            "weights": uniform(n, 0, 1),
            "logprobs": uniform(n, -4.5, -3.5),
            "advantages": uniform(n, -1, 1),
        }
        for n in LENGTHS
    ]


def target_logprobs(model, datum):
    logits = model(input_ids=datum["tokens"][None]).logits[0]
    return torch.log_softmax(logits, -1).gather(-1, datum["target_tokens"][:, None])[:, 0]


def adapter_of(model, value):
    """What `value` gives for each matrix, by the name that PEFT saves it under."""
    return {
        name.replace(".default", ""): value(parameter).detach().clone()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def backward(model, data, loss):
    model.zero_grad(set_to_none=True)
    sum(elementwise(loss, target_logprobs(model, datum), datum).sum() for datum in data).backward()


def reference(model, data):
    out = {}
    for index, datum in enumerate(data):
        out |= {f"data.{index}.{key}": value for key, value in datum.items()}
        with torch.no_grad():
            out[f"result.{index}.logprobs"] = target_logprobs(model, datum)
    for loss in LOSSES:
        backward(model, data, loss)
        out |= {f"{loss}.{name}": value for name, value in adapter_of(model, lambda p: p.grad).items()}
    prompt = data[0]["tokens"][:5]
    sampled = model.generate(input_ids=prompt[None], max_new_tokens=32, do_sample=False, pad_token_id=0)
    out["sampled"] = sampled[0, len(prompt) :]
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, **ADAM)
    for _ in range(10):
        backward(model, data, "cross_entropy")
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
    out |= {f"trained.{name}": value for name, value in adapter_of(model, lambda p: p).items()}
    return {name: (v.int() if v.dtype == torch.int64 else v).contiguous() for name, v in out.items()}


def make_telling(model, generator):
    """Moves norms and biases from one and zero, where a mistake would not show, and lets the layers outweigh the
    embedding, so that greedy samples do not repeat one token."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
        elif "o_proj" in name or "down_proj" in name:
            parameter.data *= 2
        elif "embed_tokens" in name or "lm_head" in name:
            parameter.data *= 0.3


def save_tokenizer(folder):
    """Each token is a character: what a model needs to be served at all."""
    Tokenizer(models.BPE(vocab={chr(33 + i): i for i in range(VOCABULARY)}, merges=[])).save(str(folder / "tokenizer.json"))


def save_halved(folder, data):
    """The model and its adapter with weights stored as bfloat16, computed in float32."""
    target = FOLDER / "llama-bfloat16"
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(target)
    save_tokenizer(target)
    model = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager")
    peft = PeftModel.from_pretrained(model, folder / "adapter").eval()
    with torch.no_grad():
        logprobs = {f"result.{i}.logprobs": target_logprobs(peft, datum) for i, datum in enumerate(data)}
    save_file(logprobs, target / "reference.safetensors")


def make(name, config):
    folder = FOLDER / name
    generator = torch.Generator().manual_seed(len(name))
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
    make_telling(model, generator)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    lora = LoraConfig(r=RANK, lora_alpha=32, lora_dropout=0, target_modules=TARGETS, bias="none")
    peft = get_peft_model(model, lora).eval()
    for parameter in peft.parameters():
        if parameter.requires_grad:
            parameter.data = 0.03 * torch.randn(parameter.shape, generator=generator)
    peft.save_pretrained(folder / "adapter", save_embedding_layers=False)
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    data = make_data(generator)
    if name == "llama":
        save_halved(folder, data)
    save_file(reference(peft, data), folder / "reference.safetensors")


shutil.rmtree(FOLDER, ignore_errors=True)
for model_name, model_config in CONFIGS.items():
    make(model_name, model_config)
