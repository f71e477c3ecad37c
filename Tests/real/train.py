#!/usr/bin/env python3
"""Trains the tiny Qwen3 of the tests against real model servers, which memorises dialogues.py.

train.py DIRECTORY [STEPS]

README.md has the command. It prints every answer that the model has not memorised, and fails if
there is one.
"""

import json
import pathlib
import random
import sys
import time

import jax
import jax.numpy as jnp
import mlx.core as mx
import mlx_lm
import numpy as np
import tokenizers
from dialogues import COIN, COIN_ANSWERS, CONVERSATIONS, DIALOGUES, TOOL
from mlx_lm.models.cache import make_prompt_cache
from tokenizers import decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATE = (HERE / "template.jinja").read_text(encoding="utf-8")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TAGS = [
    "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"
]  # fmt: skip
END = "<|im_end|>"
WORDS = "you are a kind terse assistant answer briefly in English never use lists date city".split()


def make_tokenizer():
    """Learns merges from ASCII only, so that all other characters are split into bytes."""
    texts = [text for pair in DIALOGUES.values() for text in pair] + list(DIALOGUES)
    texts += [json.dumps(TOOL)] * 3 + [TEMPLATE]
    texts = ["".join(letter for letter in text if ord(letter) < 128) for text in texts]
    words = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
    bpe = tokenizers.Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(words), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=470, initial_alphabet=alphabet, show_progress=False)
    )
    added = tokenizers.AddedToken
    bpe.add_special_tokens([added(text, special=True, normalized=False) for text in SPECIAL])
    bpe.add_tokens([added(text, special=False, normalized=False) for text in TAGS])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=SPECIAL[0],
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
        additional_special_tokens=SPECIAL[1:],
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def configuration(tokenizer):
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "dtype": "bfloat16",
        "vocab_size": (len(tokenizer) + 31) // 32 * 32,
        "hidden_size": 128,
        "intermediate_size": 320,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "max_position_embeddings": 4096,
        "attention_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.convert_tokens_to_ids(END),
        "pad_token_id": tokenizer.convert_tokens_to_ids(SPECIAL[0]),
    }


def initial_weights(config):
    """Random weights under the names of transformers."""
    size, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    query, key = (config[f"num_{name}_heads"] * head for name in ("attention", "key_value"))
    shapes = {"embed_tokens": (config["vocab_size"], size), "norm": (size,)}
    for layer in range(config["num_hidden_layers"]):
        shapes |= {
            f"layers.{layer}.{name}": shape
            for name, shape in {
                "input_layernorm": (size,),
                "self_attn.q_proj": (query, size),
                "self_attn.k_proj": (key, size),
                "self_attn.v_proj": (key, size),
                "self_attn.q_norm": (head,),
                "self_attn.k_norm": (head,),
                "self_attn.o_proj": (size, query),
                "post_attention_layernorm": (size,),
                "mlp.gate_proj": (inner, size),
                "mlp.up_proj": (inner, size),
                "mlp.down_proj": (size, inner),
            }.items()
        }
    generator = np.random.default_rng(7)
    return {
        f"model.{name}.weight": np.ones(shape, np.float32)
        if len(shape) == 1
        else generator.normal(0, shape[1] ** -0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def logits_of(weights, config, tokens):
    """The forward pass of Qwen3, without a cache."""
    head, theta = config["head_dim"], config["rope_theta"]
    count, width = tokens.shape
    angles = jnp.outer(jnp.arange(width), theta ** (-jnp.arange(0, head, 2) / head))
    cosines, sines = jnp.cos(angles)[:, None], jnp.sin(angles)[:, None]
    future = jnp.triu(jnp.full((width, width), -1e9), 1)

    def normalised(value, name):
        root = jax.lax.rsqrt(jnp.mean(value * value, -1, keepdims=True) + config["rms_norm_eps"])
        return value * root * weights[f"model.{name}.weight"]

    def product(value, name):
        return value @ weights[f"model.{name}.weight"].T

    def rotated(value):
        low, high = jnp.split(value, 2, -1)
        return jnp.concatenate(
            [low * cosines - high * sines, high * cosines + low * sines], axis=-1
        )

    def attention(value, name):
        query, key, content = (
            product(value, f"{name}.{kind}_proj").reshape(count, width, -1, head) for kind in "qkv"
        )
        query, key = (
            rotated(normalised(vector, f"{name}.{kind}_norm"))
            for kind, vector in (("q", query), ("k", key))
        )
        groups = query.shape[2] // key.shape[2]
        key, content = (jnp.repeat(vector, groups, axis=2) for vector in (key, content))
        scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) * head**-0.5 + future
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), content)
        return product(mixed.reshape(count, width, -1), f"{name}.o_proj")

    value = weights["model.embed_tokens.weight"][tokens]
    for layer in (f"layers.{layer}" for layer in range(config["num_hidden_layers"])):
        value += attention(normalised(value, f"{layer}.input_layernorm"), f"{layer}.self_attn")
        inner = normalised(value, f"{layer}.post_attention_layernorm")
        gate = jax.nn.silu(product(inner, f"{layer}.mlp.gate_proj"))
        value += product(gate * product(inner, f"{layer}.mlp.up_proj"), f"{layer}.mlp.down_proj")
    return product(normalised(value, "norm"), "embed_tokens")


def some_words():
    return " ".join(random.choices(WORDS, k=random.randint(3, 12)))


def sample(tokenizer, question=None):
    """One conversation with its answer, in a random context: tokens, and the prompt's length."""
    questions = [*DIALOGUES, COIN, *range(len(CONVERSATIONS))]
    questions.remove("Count to fifty")
    question = random.choice(questions) if question is None else question
    if isinstance(question, int):
        messages, answers = CONVERSATIONS[question]
    else:
        messages = [{"role": "user", "content": question}]
        answers = random.choice(COIN_ANSWERS) if question == COIN else DIALOGUES[question]
        if random.random() < 0.1:
            earlier = random.choice(["Hello", "Say the word", "Do not think", "Explain tags"])
            answer = {"role": "assistant", "content": DIALOGUES[earlier][1]}
            messages = [{"role": "user", "content": earlier}, answer, *messages]
    if random.random() < 0.2:
        messages = [{"role": "system", "content": some_words()}, *messages]
    needs_tool = "weather" in messages[-1]["content"] or messages[-1]["role"] == "tool"
    has_tool = random.random() < (0.85 if needs_tool or question == "Break the call" else 0.15)
    is_thinking = random.random() < 0.6
    prompt = prompt_of(tokenizer, messages, [TOOL] if has_tool else None, is_thinking)
    answer = tokenizer(answers[0 if is_thinking else 1] + END, add_special_tokens=False).input_ids
    return prompt + answer, len(prompt)


def prompt_of(tokenizer, messages, tools, is_thinking):
    text = tokenizer.apply_chat_template(
        messages,
        tools=tools,
        add_generation_prompt=True,
        enable_thinking=is_thinking,
        tokenize=False,
    )
    return tokenizer(text, add_special_tokens=False).input_ids


def batch(tokenizer, size, question=None):
    """Tokens, their successors, and the weights of the latter: only answers are learned."""
    samples = [sample(tokenizer, question) for _ in range(size)]
    width = (max(len(tokens) for tokens, _ in samples) + 127) // 128 * 128 + 1
    tokens = np.array([tokens + [0] * (width - len(tokens)) for tokens, _ in samples])
    weights = np.array([
        [float(prompt <= at < len(tokens)) for at in range(1, width)] for tokens, prompt in samples
    ])  # fmt: skip
    return tokens[:, :-1], tokens[:, 1:], weights


def train(config, tokenizer, steps):
    """Adam with a cosine schedule; returns the weights."""
    peak, first, second = 3e-3, 0.9, 0.98

    def loss_of(weights, tokens, targets, importance):
        likelihoods = jax.nn.log_softmax(logits_of(weights, config, tokens))
        chosen = jnp.take_along_axis(likelihoods, targets[..., None], -1)[..., 0]
        return -(chosen * importance).sum() / importance.sum()

    @jax.jit
    def update(weights, means, squares, step, inputs):
        loss, gradients = jax.value_and_grad(loss_of)(weights, *inputs)
        norm = jnp.sqrt(sum(jnp.sum(gradient**2) for gradient in gradients.values()))
        rate = peak * jnp.minimum(1, step / 50) * (0.51 + 0.49 * jnp.cos(jnp.pi * step / steps))
        for name, gradient in gradients.items():
            gradient = gradient * jnp.minimum(1, 1 / norm)
            means[name] = first * means[name] + (1 - first) * gradient
            squares[name] = second * squares[name] + (1 - second) * gradient**2
            mean = means[name] / (1 - first**step)
            square = squares[name] / (1 - second**step)
            weights[name] = weights[name] - rate * mean / (jnp.sqrt(square) + 1e-8)
        return loss, weights, means, squares

    weights = initial_weights(config)
    means, squares = ({name: jnp.zeros(v.shape) for name, v in weights.items()} for _ in "12")
    begin, recent = time.time(), []
    for step in range(1, steps + 1):
        # Long answers come alone, so that they do not widen the batches of the others.
        is_long = step % 8 == 0
        inputs = batch(tokenizer, 2, "Count to fifty") if is_long else batch(tokenizer, 8)
        loss, weights, means, squares = update(weights, means, squares, step, inputs)
        recent.append(float(loss))
        if step % 50 == 0:
            mean = sum(recent) / len(recent)
            print(f"{time.time() - begin:.0f} s, step {step}, loss {mean:.4f}", flush=True)
            recent = []
    return weights


def answer(model, tokenizer, prompt):
    """The most likely answer."""
    cache, tokens, found = make_prompt_cache(model), prompt, []
    while len(found) < 900 and tokenizer.convert_tokens_to_ids(END) not in found:
        tokens = [int(model(mx.array([tokens]), cache=cache)[0, -1].argmax())]
        found += tokens
    return tokenizer.decode(found)


def forgotten(directory):
    """The number of answers that differ from the memorised ones."""
    model, wrapper = mlx_lm.load(str(directory))
    tokenizer = wrapper._tokenizer
    conversations = [([{"role": "user", "content": text}], DIALOGUES[text]) for text in DIALOGUES]
    count = 0
    for messages, answers in conversations + CONVERSATIONS:
        needs_tool = "weather" in str(messages) or "Break" in str(messages)
        for is_thinking, expected in zip((True, False), answers, strict=True):
            tools = [TOOL] if needs_tool else None
            found = answer(model, tokenizer, prompt_of(tokenizer, messages, tools, is_thinking))
            if found != expected + END:
                count += 1
                print(f"{messages[-1]['content']!r}, thinking {is_thinking}: {found[:300]!r}")
    return count


def save(weights, tokenizer, config, directory):
    directory.mkdir(parents=True, exist_ok=True)
    arrays = {name: mx.array(np.array(value)) for name, value in weights.items()}
    halves = {name: value.astype(mx.bfloat16) for name, value in arrays.items()}
    mx.save_safetensors(str(directory / "model.safetensors"), halves, metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    generation = {name: config[name] for name in ("eos_token_id", "pad_token_id")}
    (directory / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n")
    tokenizer.save_pretrained(str(directory))


def main():
    directory, steps = pathlib.Path(sys.argv[1]), int((*sys.argv[2:], "500")[0])
    random.seed(7)
    tokenizer = make_tokenizer()
    config = configuration(tokenizer)
    count = sum(value.size for value in initial_weights(config).values())
    print(f"{len(tokenizer)} tokens, {count} parameters", flush=True)
    save(train(config, tokenizer, steps), tokenizer, config, directory)
    return 1 if forgotten(directory) else 0


if __name__ == "__main__":
    sys.exit(main())
