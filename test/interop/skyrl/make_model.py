"""Writes a tiny base model for the interop run: a Qwen3 of random weights and a byte-level tokenizer.

Usage: make_model.py DIRECTORY

Weights are drawn wide and the output matrix is one of its own, so that greedy sampling does not repeat one token.
"""

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

END = "<|endoftext|>"
VOCABULARY = 512


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet)
    with open(__file__, encoding="utf-8") as source:
        tokenizer.train_from_iterator([__doc__, source.read(), sys.copyright], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)


def make_model():
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        num_hidden_layers=2,
        intermediate_size=128,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=2048,
        attention_bias=False,
        tie_word_embeddings=False,
        initializer_range=0.2,
        bos_token_id=0,
        eos_token_id=0,
    )
    return Qwen3ForCausalLM(config).float()


def main():
    make_model().save_pretrained(sys.argv[1])
    make_tokenizer().save_pretrained(sys.argv[1])


if __name__ == "__main__":
    main()
