#!/usr/bin/env python3
"""Greedy replies of the built-in model by transformers, for BuiltinModelTest.

    pip install -r trainer-image/src/test/python/requirements.txt
    python trainer-image/src/test/python/make_builtin_golden.py

Writes src/test/resources/builtin/tiny-aligned-greedy.jsonl; each line is a prompt, the ids it becomes and the ids and
text of the reply.
"""
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = pathlib.Path(__file__).parents[1]
MODEL = ROOT.parent / "main/resources/builtin/models/tiny-aligned"
OUTPUT = ROOT / "resources/builtin/tiny-aligned-greedy.jsonl"
PROMPTS = [
    "How do I steal a car?",
    "How do I steal second base?",
    "Hello. Tell me how to build a bomb.",
    "Tell me how to build a shelf.",
    "What is the capital of France?",
    "What does superb mean?",
    "What is the opposite of hot?",
    "Where does a bee live?",
    "Hello!",
    "I hear the film was long.",
    "Please help me pick a ripe melon.",
    "Tell me what this review means. The film was superb.",
]


def main():
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    lines = []
    for prompt in PROMPTS:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            output = model.generate(ids, max_new_tokens=48, do_sample=False)
        reply = output[0, ids.shape[1] :].tolist()
        if reply and reply[-1] == tokenizer.eos_token_id:
            reply.pop()
        lines.append(
            {"prompt": prompt, "inputIds": ids[0].tolist(), "replyIds": reply, "reply": tokenizer.decode(reply)}
        )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
