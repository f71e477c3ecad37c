#!/usr/bin/env python3
"""Converts the tiny model to GGUF, for llama.cpp. Run it in llama's environment.

to_gguf.py DIRECTORY FILE

llama.cpp's own converter needs torch, and rejects tokenizers that it does not know.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np

ARCHITECTURE = gguf.MODEL_ARCH.QWEN3


def add_parameters(writer, config):
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def add_tokenizer(writer, directory, size):
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    tokens = [f"[unused {number}]" for number in range(size)]
    kinds = [gguf.TokenType.UNUSED] * size
    for token, number in tokenizer["model"]["vocab"].items():
        tokens[number], kinds[number] = token, gguf.TokenType.NORMAL
    for token in tokenizer["added_tokens"]:
        is_special = token["special"]
        tokens[token["id"]] = token["content"]
        kinds[token["id"]] = gguf.TokenType[("USER_DEFINED", "CONTROL")[is_special]]
    writer.add_tokenizer_model("gpt2")
    # Of the patterns that llama.cpp knows, this is that of train.py for the texts of dialogues.py.
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    gguf.SpecialVocab(directory, load_merges=True).add_to_gguf(writer)


def add_weights(writer, path, layers):
    """Reads bfloat16, the upper half of a 32-bit number, which NumPy does not know."""
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    names = gguf.get_tensor_name_map(ARCHITECTURE, layers)
    for name, tensor in json.loads(data[8:begin]).items():
        if name == "__metadata__":
            continue
        assert tensor["dtype"] == "BF16", name
        first, last = (begin + offset for offset in tensor["data_offsets"])
        halves = np.frombuffer(data[first:last], "<u2").astype("<u4")
        weights = (halves << 16).view("<f4").reshape(tensor["shape"])
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), weights)


def main():
    directory = Path(sys.argv[1])
    config = json.loads((directory / "config.json").read_text())
    writer = gguf.GGUFWriter(sys.argv[2], gguf.MODEL_ARCH_NAMES[ARCHITECTURE])
    add_parameters(writer, config)
    add_tokenizer(writer, directory, config["vocab_size"])
    add_weights(writer, directory / "model.safetensors", config["num_hidden_layers"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
