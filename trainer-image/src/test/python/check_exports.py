"""Checks what the trainer publishes with the programs it is meant for: transformers, peft, llama.cpp.

    ./mvnw -pl trainer-image -am package -DskipTests
    python -m venv .venv && .venv/bin/pip install -r requirements.txt -r requirements-llama-cpp.txt
    .venv/bin/python check_exports.py [--model DIR | --family gemma2,gemma3,phi3,smollm3]

A run with every output format trains a few steps on the model (the toy of the test resources unless
one is named, or random models of families in which all acts that llama.cpp knows of them). Its adapter is then loaded with peft on the model in transformers: that is what all
other forms are compared with. It prints one row for each form: the largest difference of a logit, as
a share of the largest logit, and how many of the greedy tokens are the same. It fails when a float32
form differs by more than 5e-5 or in any token, or another one by more than its rounding explains,
and when a tensor of the Q8_0 file has another byte than llama.cpp's own quantiser gives it.
"""

import argparse
import copy
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from llama_cpp import Llama, llama_cpp
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

import make_golden

TRAINER = Path(__file__).resolve().parents[3]
FILES = TRAINER / "src" / "test" / "resources" / "files"
TOY = FILES / "toy-llama"

# What differs from the golden toys: widths are whole blocks, and what llama.cpp takes for granted holds.
FAMILIES = {
    "gemma2": dict(hidden_size=32, query_pre_attn_scalar=8),
    "gemma3": dict(hidden_size=32, query_pre_attn_scalar=8, num_hidden_layers=6, layer_types=None),
    "phi3": dict(sliding_window=None, max_position_embeddings=1024, original_max_position_embeddings=256),
    "smollm3": dict(hidden_size=32, num_hidden_layers=4, no_rope_layers=[1, 1, 1, 0], layer_types=None),
}
# The trainer writes GGUF of these, and does not read it.
ONLY_WRITTEN = {"gemma2", "gemma3", "phi3", "smollm3"}
PROMPTS = ["How do I bake bread?", "Numbers such as 12 and 2024, please.", "Grüße aus Köln 😀"]
NEW_TOKENS = 24

MANIFEST = """\
apiVersion: safegrad.io/v1alpha1
kind: SafeFineTune
metadata: {{name: export-check}}
spec:
  model: {{source: "file://{model}"}}
  dataset: {{source: "file://{data}"}}
  training: {{maxSteps: 4, batchSize: 2, maxLength: 256, learningRate: 5e-3, scheduler: Constant, lora: {{rank: 8, alpha: 16}}}}
  safety:
    alignment: {{source: "file://{data}"}}
    evaluation: {{harmful: "file://{data}", harmless: "file://{data}", maxNewTokens: 1}}
    gate: {{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}}
  output: {{destination: "file://{out}", formats: [Adapter, Merged, GgufF16, GgufQ8_0]}}
"""

DATA = [("Say yes", "Of course."), ("Say no", "Never, sorry."), ("Count", "1, 2, 3")]

# The largest share by which each form may differ; what was measured is in docs/export.md. What Q8_0
# costs a model is the format's own: its blocks have to be those of llama.cpp's quantiser.
LIMITS = {"float32": 5e-5, "float16": 0.02, "bfloat16": 0.05, "q8_0": float("inf")}


def trainer(*arguments):
    process = subprocess.run(
        [TRAINER / "bin" / "safegrad-trainer", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    if process.returncode != 0:
        sys.exit(f"safegrad-trainer {arguments[0]} ended with {process.returncode}: {process.stderr[-2000:]}")
    return process.stdout


def run(model, folder):
    data = folder / "data.jsonl"
    turn = lambda role, text: {"role": role, "content": text}
    lines = [json.dumps({"messages": [turn("user", q), turn("assistant", a)]}) for q, a in DATA]
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    manifest = folder / "manifest.yaml"
    out = folder / "out"
    manifest.write_text(MANIFEST.format(model=model, data=data, out=out), encoding="utf-8")
    trainer("run", "--manifest", manifest)
    return out


def of_transformers(model, prompt):
    ids = torch.tensor([prompt])
    with torch.no_grad():
        logits = model(ids).logits[0].float().numpy()
        reply = model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False)
    return logits, reply[0, len(prompt):].tolist()


def of_llama_cpp(model, prompt, ends):
    model.reset()
    model.eval(prompt)
    logits = model.scores[: len(prompt)].copy()
    reply = []
    for _ in range(NEW_TOKENS):
        reply.append(int(np.argmax(model.scores[model.n_tokens - 1])))
        if reply[-1] in ends:
            break
        model.eval(reply[-1:])
    return logits, reply


def without_repacking():
    """llama.cpp copies Q8_0 into the layout of AMX where it believes to have it, and crashes in some sandboxes."""
    default = llama_cpp.llama_model_default_params

    def plain():
        params = default()
        params.use_extra_bufts = False
        return params

    llama_cpp.llama_model_default_params = plain


def differing_tensors(gguf, float32, folder):
    """The tensors that llama.cpp's own quantiser writes in another way, of how many."""
    theirs = folder / "theirs.gguf"
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    code = llama_cpp.llama_model_quantize(
        str(float32).encode(), str(theirs).encode(), ctypes.byref(parameters)
    )
    if code != 0:
        sys.exit(f"llama_model_quantize ended with {code}")
    wanted = {tensor.name: tensor for tensor in GGUFReader(theirs).tensors}
    found = {tensor.name: tensor for tensor in GGUFReader(gguf).tensors}
    differ = [
        name
        for name in wanted.keys() | found.keys()
        if name not in wanted
        or name not in found
        or wanted[name].tensor_type != found[name].tensor_type
        or wanted[name].data.tobytes() != found[name].data.tobytes()
    ]
    return differ, len(wanted)


def toy(family, folder):
    """A random model of a family, with a vocabulary of the kind that it has."""
    tokenizer = json.loads((FILES / "spm-tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    source = FILES / "spm-tokenizer"
    if family == "smollm3":
        tokenizer, source = json.loads((TOY / "tokenizer.json").read_text(encoding="utf-8")), TOY
    elif family.startswith("gemma"):
        tokenizer["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        tokenizer["decoder"]["decoders"] = [d for d in tokenizer["decoder"]["decoders"] if d["type"] != "Strip"]
        tokenizer["pre_tokenizer"] = {
            "type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    elif family == "phi3":
        for token in tokenizer["added_tokens"]:
            token["rstrip"] = token["content"] == "</s>"
        end = tokenizer["added_tokens"][0] | {"id": len(tokenizer["model"]["vocab"]), "content": "<|endoftext|>"}
        tokenizer["added_tokens"].append(end)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    settings = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    template = FILES / "templates" / "smollm2.jinja"
    (folder / "chat_template.jinja").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    ids = AutoTokenizer.from_pretrained(folder)
    config = copy.deepcopy(make_golden.CONFIGS[family])
    fields = config.to_dict() | FAMILIES[family] | dict(vocab_size=len(ids), eos_token_id=ids.eos_token_id)
    if family == "phi3":
        fields["rope_parameters"]["original_max_position_embeddings"] = 256
    config = type(config)(**fields)
    torch.manual_seed(1)
    model = make_golden.randomised(AutoModelForCausalLM.from_config(config, dtype=torch.float32), 2)
    model.save_pretrained(folder)


class Table:
    def __init__(self, expected):
        self.expected = expected
        self.failed = False
        print(f"{'form':34} {'logits':>9}  greedy tokens")

    def row(self, name, kind, found):
        share = max(
            float(np.abs(a - b).max() / np.abs(a).max())
            for (a, _), (b, _) in zip(self.expected, found)
        )
        same = total = 0
        for (_, a), (_, b) in zip(self.expected, found):
            same += next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            total += max(len(a), len(b))
        wrong = share > LIMITS[kind] or (kind == "float32" and same < total)
        self.failed |= wrong
        print(f"{name:34} {share:9.1e}  {same} of {total}{'  FAILED' if wrong else ''}")


def check_vocabulary(model, tokenizer, name):
    for text in PROMPTS + ["</s>\n\n a</s>b", "Don't  stop.\n\n12345 <|im_end|>", "x" * 50, " leading", "你好世界"]:
        wanted = tokenizer.encode(text, add_special_tokens=False)
        found = model.tokenize(text.encode("utf-8"), add_bos=False, special=True)
        if wanted != found:
            sys.exit(f"{name} cuts {text!r} into {found}, transformers into {wanted}")
    if model.metadata["tokenizer.chat_template"] != tokenizer.chat_template:
        sys.exit(f"{name} has another chat template")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=TOY)
    parser.add_argument("--family", help=", ".join(FAMILIES))
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    without_repacking()
    failed = False
    for family in arguments.family.split(",") if arguments.family else [None]:
        with tempfile.TemporaryDirectory() as name:
            model = arguments.model.resolve()
            if family:
                print(family)
                model = Path(name) / family
                model.mkdir()
                toy(family, model)
            failed |= check(model, family, AutoTokenizer.from_pretrained(model), Path(name))
    if failed:
        sys.exit(1)


def check(start, family, tokenizer, folder):
    out = run(start, folder)
    attention = make_golden.ATTENTION.get(family, "sdpa")
    load = lambda path: AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation=attention).eval()
    prompts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
        )
        for text in PROMPTS
    ]
    base = load(start)
    before = [of_transformers(base, prompt) for prompt in prompts]
    peft = PeftModel.from_pretrained(base, out).eval()
    table = Table([of_transformers(peft, prompt) for prompt in prompts])
    moved = max(np.abs(a - b).max() / np.abs(a).max() for (a, _), (b, _) in zip(table.expected, before))
    if moved < 0.02:
        sys.exit("the adapter changes too little to tell anything")
    print(f"{'the adapter in peft, to the start':34} {moved:9.1e}")
    ends = peft.generation_config.eos_token_id
    ends = set(ends) if isinstance(ends, list) else {ends}

    for kind in ("float32", "bfloat16", "float16"):
        merged = folder / kind
        trainer("merge", "--model", start, "--adapter", out, "--output", merged,
                "--dtype", kind, "--max-shard-size", "100MB")
        model = load(merged)
        table.row(f"merge {kind}, transformers", kind, [of_transformers(model, p) for p in prompts])
    published = json.loads((out / "merged" / "config.json").read_text())
    kind = published.get("dtype", published.get("torch_dtype"))
    model = load(out / "merged")
    table.row(f"merged/ ({kind}), transformers", kind, [of_transformers(model, p) for p in prompts])

    for kind in ("float32", "float16", "bfloat16", "q8_0"):
        gguf = folder / f"{kind}.gguf"
        if kind in ("float16", "q8_0"):
            gguf = out / "gguf" / f"export-check-{kind.replace('float16', 'f16')}.gguf"
        else:
            trainer("merge", "--model", start, "--adapter", out, "--output", gguf, "--dtype", kind)
        model = Llama(str(gguf), logits_all=True, n_ctx=256, n_threads=2, verbose=False)
        check_vocabulary(model, tokenizer, gguf.name)
        # llama.cpp keeps its cache of keys and values in float16, whatever the file has.
        limit = "float16" if kind == "float32" else kind
        table.row(f"GGUF {kind}, llama.cpp", limit, [of_llama_cpp(model, p, ends) for p in prompts])
        del model

    differ, of = differing_tensors(
        out / "gguf" / "export-check-q8_0.gguf", folder / "float32.gguf", folder
    )
    print(f"Q8_0: {of - len(differ)} of {of} tensors are llama.cpp's own, byte for byte")
    table.failed |= bool(differ)

    for prompt, (_, reply) in zip(PROMPTS, table.expected):
        wanted = tokenizer.decode(reply, skip_special_tokens=True)
        ways = {"generate with the adapter": ["--model", start, "--adapter", out]}
        if family not in ONLY_WRITTEN:
            ways["generate with the F16 file"] = ["--model", out / "gguf" / "export-check-f16.gguf"]
        for name, options in ways.items():
            found = trainer("generate", *options, "--max-new-tokens", NEW_TOKENS, prompt)
            if "\ufffd" in wanted or "\r" in wanted:
                print(f"{name}: not compared, its bytes are no text")  # what is shown early is not taken back
                continue
            print(f"{name}: {'the same reply' if found[:-1] == wanted else 'ANOTHER REPLY'}")
            table.failed |= found[:-1] != wanted and "adapter" in name
    return table.failed


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
