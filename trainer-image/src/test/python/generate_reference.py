#!/usr/bin/env python3
"""Greedy replies by transformers' generate, left-padded: the reference that our generation is held against.

Input  --model DIR      Hugging Face checkpoint
       --prompts FILE   JSON [[token id, ...], ...]; each --batch of them, in their order, is one call of generate
       --tokens N       most new tokens of a reply; exactly so many with --whole, which knows no token that ends it
Output --out FILE       JSON: cpu_s and wall_s of all calls, peak_rss_mib, replies (token ids without the one that ended it)
"""
import argparse, json, resource, time
import torch
from transformers import AutoModelForCausalLM

a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name in ("model", "prompts", "out"):
    a.add_argument("--" + name, required=True)
for name in ("batch", "tokens", "threads"):
    a.add_argument("--" + name, type=int, required=True)
a.add_argument("--whole", action="store_true")
args = a.parse_args()

torch.set_num_threads(args.threads)
model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
ends = model.generation_config.eos_token_id
ends = ends if isinstance(ends, list) else [ends]
pad = model.generation_config.pad_token_id
pad = ends[0] if pad is None else pad
settings = dict(do_sample=False, max_new_tokens=args.tokens, pad_token_id=pad)
if args.whole:
    settings.update(min_new_tokens=args.tokens)
prompts = json.load(open(args.prompts))
replies = []
cpu, wall = time.process_time(), time.perf_counter()
for start in range(0, len(prompts), args.batch):
    some = prompts[start : start + args.batch]
    width = max(map(len, some))
    ids = torch.tensor([[pad] * (width - len(p)) + p for p in some])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in some])
    with torch.inference_mode():
        out = model.generate(input_ids=ids, attention_mask=mask, **settings)
    for reply in out[:, width:].tolist():
        end = min((reply.index(e) for e in ends if e in reply), default=len(reply))
        replies.append(reply[:end])
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
json.dump(dict(cpu_s=cpu, wall_s=wall, peak_rss_mib=rss, replies=replies), open(args.out, "w"))
