"""Writes GGUF files under src/test/resources/files, and what they hold.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_gguf_golden.py

Blocks are quantised and dequantised by the gguf package; the ids of a file's vocabulary are those of
transformers. Seeded: a second run writes the same bytes.
"""

import json

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from make_text_golden import token_golden
from toy_files import CORPUS, FILES, initialised, sentencepiece_like_tokenizer, toy_llama, toy_tokenizer

QUANTISED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "F16", "BF16", "F32"]


def random_blocks(rng, kind, rows, columns):
    """Blocks of any bits whose scales are small finite half floats."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (rows, columns // block, size), dtype=np.uint8)
    scale = lambda: (
        rng.uniform(-0.05, 0.05, (rows, columns // block)).astype(np.float16).view(np.uint8)
    ).reshape(rows, columns // block, 2)
    if kind in (gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q5_K):
        blocks[..., 0:2] = scale()
        blocks[..., 2:4] = scale()
    elif kind == gguf.GGMLQuantizationType.Q6_K:
        blocks[..., -2:] = scale()
    else:
        raise ValueError(kind)
    return blocks.reshape(rows, -1)


def quantised_blocks():
    rng = np.random.default_rng(5)
    writer = gguf.GGUFWriter(FILES / "blocks.gguf", "blocks")
    expected = {}
    for name in QUANTISED:
        kind = gguf.GGMLQuantizationType[name]
        values = rng.standard_normal((3, 512)).astype(np.float32)
        if name.endswith("_K"):
            data = random_blocks(rng, kind, 3, 512)
        else:
            data = quantize(values, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = dequantize(data, kind).astype(np.float32)
    write_gguf(writer)
    save_file(expected, FILES / "blocks.expected.safetensors")


def write_gguf(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


GGUF_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
GGUF_LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    if name in GGUF_NAMES:
        return GGUF_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    module, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{GGUF_LAYER_NAMES[module]}.{kind}"


def permute(weights, heads):
    """What llama.cpp's convert_hf_to_gguf.py does to q_proj and k_proj of a Llama."""
    return (
        weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
        .swapaxes(1, 2)
        .reshape(weights.shape)
    )


def model_gguf(name, arch, model, tokenizer, pre, quantised=None, rope_freqs=None):
    config = model.config
    writer = gguf.GGUFWriter(FILES / f"{name}.gguf", arch)
    writer.add_name(name)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if head_dim * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if arch == "llama":
        writer.add_rope_dimension_count(head_dim)
        writer.add_vocab_size(config.vocab_size)
    vocabulary(writer, tokenizer, pre)
    expected = {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.float().numpy()
        stored = values
        if arch == "llama" and ("q_proj" in key or "k_proj" in key):
            heads = config.num_attention_heads if "q_proj" in key else config.num_key_value_heads
            stored = permute(values, heads)
        if quantised and values.ndim == 2:
            data = quantize(stored, quantised)
            writer.add_tensor(gguf_name(key), data, raw_dtype=quantised)
        else:
            writer.add_tensor(gguf_name(key), stored)
            expected[key] = values
    if rope_freqs is not None:
        writer.add_tensor("rope_freqs.weight", rope_freqs)
    write_gguf(writer)
    if not quantised and name != "toy-llama":  # whose tensors are those of toy-llama/
        save_file(expected, FILES / f"{name}.expected.safetensors")


def vocabulary(writer, tokenizer, pre):
    document = json.loads(tokenizer.backend_tokenizer.to_str())
    pieces = document["model"]["vocab"]
    tokens = sorted(pieces, key=pieces.get)
    special = {token["content"] for token in document["added_tokens"]}
    if pre is None:
        writer.add_tokenizer_model("llama")
        kinds = [
            2 if token == "<unk>" else 3 if token in special else 6 if token.startswith("<0x") else 1
            for token in tokens
        ]
        # A BPE's pieces in the order they were merged, as SentencePiece scores them.
        writer.add_token_scores([float(-i) for i in range(len(tokens))])
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        merges = [" ".join(merge) for merge in document["model"]["merges"]]
        writer.add_token_merges(merges)
        kinds = [3 if token in special else 1 for token in tokens]
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_add_bos_token(pre is None)
    template = "mistral_form" if pre is None else "smollm2"
    writer.add_chat_template((FILES / "templates" / f"{template}.jinja").read_text(encoding="utf-8"))


def llama3_factors(model):
    """The rope_freqs tensor of convert_hf_to_gguf.py for Llama 3's scaling by 8."""
    config = model.config
    base = config.rope_parameters["rope_theta"]
    frequencies = 1.0 / (base ** (np.arange(0, config.head_dim, 2, dtype=np.float32) / config.head_dim))
    factors = []
    for frequency in frequencies:
        length = 2 * np.pi / frequency
        if length < 8192 / 4.0:
            factors.append(1.0)
        elif length > 8192 / 1.0:
            factors.append(8.0)
        else:
            smooth = (8192 / length - 1.0) / (4.0 - 1.0)
            factors.append(1.0 / ((1 - smooth) / 8.0 + smooth))
    return np.array(factors, dtype=np.float32)


def gguf_models(tokenizer, sentencepiece_like):
    model_gguf("toy-llama", "llama", toy_llama(), tokenizer, "smollm")
    model_gguf(
        "toy-llama-q8", "llama", toy_llama(), tokenizer, "smollm", gguf.GGMLQuantizationType.Q8_0
    )
    untied = toy_llama(
        tie_word_embeddings=False,
        vocab_size=len(sentencepiece_like),
        num_hidden_layers=1,
        head_dim=16,
        attention_bias=True,
    )
    factors = llama3_factors(untied)
    model_gguf("toy-llama-spm", "llama", untied, sentencepiece_like, None, rope_freqs=factors)
    shape = dict(
        vocab_size=384,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
    )
    model_gguf("toy-qwen2", "qwen2", initialised(Qwen2ForCausalLM(Qwen2Config(**shape))), tokenizer, "qwen2")
    qwen3 = initialised(Qwen3ForCausalLM(Qwen3Config(**shape, head_dim=16)))
    model_gguf("toy-qwen3", "qwen3", qwen3, tokenizer, "llama-bpe")


def pre_tokenizers_golden():
    """What transformers makes of a vocabulary under each of the pre-tokenizers of GGUF files."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|endoftext|>"],  # GPT2Tokenizer's own
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Whole lines several times over: merges cross everything that an expression may split.
    trained.train_from_iterator([line.replace(" ", "\u00a0") for line in CORPUS * 2], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    for pre in ("gpt-2", "llama-bpe", "qwen2", "tekken"):
        path = FILES / f"vocabulary-{pre}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        vocabulary(writer, tokenizer, pre)
        write_gguf(writer)
        loaded = AutoTokenizer.from_pretrained(FILES, gguf_file=path.name)
        if pre == "qwen2":  # as Qwen2's own tokenizer.json has it
            loaded.backend_tokenizer.normalizer = normalizers.NFC()
        token_golden(f"vocabulary-{pre}.tokens.json", loaded)
    assert len({(FILES / f"vocabulary-{pre}.tokens.json").read_text() for pre in
                ("gpt-2", "llama-bpe", "qwen2", "tekken")}) == 4


def main():
    torch.set_num_threads(2)
    quantised_blocks()
    gguf_models(toy_tokenizer(), sentencepiece_like_tokenizer())
    pre_tokenizers_golden()


if __name__ == "__main__":
    main()
