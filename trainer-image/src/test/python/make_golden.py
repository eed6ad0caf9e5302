#!/usr/bin/env python3
"""Makes the toy checkpoints and golden values that the trainer's tests are held against.

  pip install -r requirements.txt
  python make_golden.py            # all; or the families named as arguments

Writes src/test/resources/io/safegrad/trainer/golden/. One folder per family (llama with Llama 3's RoPE scaling and an
untied head, llama2 without grouped heads and scaling, qwen2 with biases, qwen3 with per-head norms and its own head width, mistral with a sliding window, gemma2
with soft caps, gemma3 with two RoPE bases, phi3 with fused linears and LongRoPE on a part of each head, smollm3 with a
layer without RoPE; every window is shorter than the examples) holds

  config.json, model.safetensors   a random checkpoint in transformers' form
  adapter.safetensors              a random LoRA adapter under PEFT's names, both factors non-zero
  golden.safetensors               logits; gradients of the user loss and of the KL divergence by the adapter and, with
                                   every weight multiplied by 1.1, by every weight
  golden.json                      examples, greedy replies, ten SafeGrad steps of safegrad_reference.py

and optimizer.json holds steps of torch's AdamW behind clip_grad_norm_, and transformers' schedules.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, Gemma2Config, Gemma3TextConfig, LlamaConfig, MistralConfig, Phi3Config,
                          Qwen2Config, Qwen3Config, SmolLM3Config, get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup,
                          get_linear_schedule_with_warmup)

import safegrad_reference as reference

HERE = Path(__file__).resolve().parent
RESOURCES = HERE.parent / "resources/io/safegrad/trainer/golden"
VOCABULARY = 96
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SHAPE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, initializer_range=0.25,
             bos_token_id=None, eos_token_id=None, pad_token_id=None)
SMALL = SHAPE | dict(hidden_size=24, intermediate_size=32)
CONFIGS = {
    "llama": LlamaConfig(**SHAPE, head_dim=8, tie_word_embeddings=False, max_position_embeddings=256,
                         rms_norm_eps=1e-5, attention_bias=False,
                         rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0,
                                              high_freq_factor=4.0, original_max_position_embeddings=64)),
    "llama2": LlamaConfig(**SMALL | dict(num_key_value_heads=4), tie_word_embeddings=False, rms_norm_eps=1e-5,
                          attention_bias=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
    "qwen2": Qwen2Config(**SHAPE, tie_word_embeddings=True,
                         rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
    "qwen3": Qwen3Config(**SHAPE, head_dim=16, tie_word_embeddings=True,
                         rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
    "mistral": MistralConfig(**SMALL, head_dim=8, sliding_window=6,
                             rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
    "gemma2": Gemma2Config(**SMALL, head_dim=8, sliding_window=6, query_pre_attn_scalar=12, attn_logit_softcapping=2.0,
                           final_logit_softcapping=3.0, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
    "gemma3": Gemma3TextConfig(**SMALL, head_dim=8, sliding_window=5, query_pre_attn_scalar=12,
                               layer_types=["sliding_attention", "full_attention"],
                               rope_parameters=dict(
                                   sliding_attention=dict(rope_type="default", rope_theta=100.0),
                                   full_attention=dict(rope_type="linear", factor=8.0, rope_theta=10000.0))),
    "phi3": Phi3Config(**SMALL | dict(hidden_size=32), sliding_window=7, tie_word_embeddings=False,
                       max_position_embeddings=256, original_max_position_embeddings=64,
                       rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75,
                                            short_factor=[1.0, 1.5, 2.5], long_factor=[2.0, 4.0, 8.0],
                                            original_max_position_embeddings=64)),
    "smollm3": SmolLM3Config(**SMALL, no_rope_layers=[1, 0], tie_word_embeddings=True,
                             rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
}
FUSED_TARGETS = {"phi3": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]}
# transformers' other attentions leave the soft cap out.
ATTENTION = {"gemma2": "eager"}


def examples(count, seed, longest):
    """Random token ids; the last part of each is the response."""
    random = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        length = int(torch.randint(6, longest + 1, [1], generator=random))
        prompt = int(torch.randint(2, length - 2, [1], generator=random))
        ids = torch.randint(1, VOCABULARY, [length], generator=random).tolist()
        rows.append({"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]})
    return rows


def randomised(model, seed):
    """Norms and biases away from 1 and 0, where a mistake would not show."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight") or name.endswith(".bias"):
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=random))
    return model


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def gradients(loss, named):
    values = torch.autograd.grad(loss, [p for _, p in named])
    return {name: value.detach() for (name, _), value in zip(named, values)}


def full_gradients(folder, attention, user, align):
    """Gradients by every weight of 1.1 times the checkpoint; the KL is to the checkpoint itself."""
    start = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    named = list(model.named_parameters())
    user_loss = reference.user_loss(model, reference.batch(user, 0, 4))
    ids, mask, labels = reference.batch(align, 0, 4)
    with torch.no_grad():
        expected, _ = reference.shifted(start(input_ids=ids, attention_mask=mask).logits, labels)
    logits, _ = reference.shifted(model(input_ids=ids, attention_mask=mask).logits, labels)
    log_p, log_q = expected.log_softmax(-1), logits.log_softmax(-1)
    kl = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    return user_loss, kl, gradients(user_loss, named), gradients(kl, named)


def family(name, config):
    folder = RESOURCES / name
    folder.mkdir(parents=True, exist_ok=True)
    attention = ATTENTION.get(name, "sdpa")
    torch.manual_seed(1)
    base = randomised(
        AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention), 2)
    with tempfile.TemporaryDirectory() as scratch:
        base.save_pretrained(scratch)
        for file in ["config.json", "model.safetensors"]:
            (folder / file).write_bytes((Path(scratch) / file).read_bytes())
    user, align = examples(12, 3, 24), examples(6, 4, 20)
    greedy = []
    for prompt in [e["input_ids"][:6 + i % 3] for i, e in enumerate(user[:6])]:
        new = base.generate(torch.tensor([prompt]), max_new_tokens=16, do_sample=False)[0, len(prompt):].tolist()
        greedy.append({"prompt": prompt, "reply": new})

    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8,
                                            target_modules=FUSED_TARGETS.get(name, TARGETS)))
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=random))
    adapter = [(key.replace(".default", ""), p) for key, p in model.named_parameters() if p.requires_grad]
    save_file({key: p.detach().contiguous() for key, p in adapter}, folder / "adapter.safetensors",
              metadata={"format": "pt"})

    batch, align_batch = reference.batch(user, 0, 4), reference.batch(align, 0, 4)
    golden = {"logits": model(input_ids=batch[0]).logits.detach()}
    loss, kl = reference.user_loss(model, batch), reference.alignment_kl(model, align_batch)
    golden |= {"user." + k: v for k, v in gradients(loss, adapter).items()}
    golden |= {"align." + k: v for k, v in gradients(kl, adapter).items()}
    full_loss, full_kl, by_user, by_align = full_gradients(folder, attention, user, align)
    golden |= {"user." + k: v for k, v in by_user.items()} | {"align." + k: v for k, v in by_align.items()}
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")

    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        model.save_pretrained(scratch / "adapter")
        write_lines(scratch / "user.jsonl", user)
        write_lines(scratch / "align.jsonl", align)
        subprocess.run([sys.executable, HERE / "safegrad_reference.py", "--model", folder,
                        "--user", scratch / "user.jsonl", "--align", scratch / "align.jsonl",
                        "--adapter", scratch / "adapter", "--out", scratch / "out.json", "--steps", "10",
                        "--lr", "3e-3", "--weight-decay", "0.01", "--attn", attention], check=True)
        steps = json.loads((scratch / "out.json").read_text())["steps"]
    for step in steps:
        del step["cpu_s"], step["wall_s"]
    (folder / "golden.json").write_text(json.dumps(
        {"user": user, "align": align, "greedy": greedy, "loss": loss.item(), "kl": kl.item(),
         "full_loss": full_loss.item(), "full_kl": full_kl.item(), "steps": steps}, indent=1) + "\n")


def optimizer():
    """Three parameters through torch's clipping and AdamW; the schedules' factors."""
    random = torch.Generator().manual_seed(6)
    parameters = [torch.randn(shape, generator=random, requires_grad=True) for shape in ([3, 4], [5], [2, 2])]
    start = [p.detach().flatten().tolist() for p in parameters]
    adamw = torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1)
    steps = []
    for step in range(6):
        for p in parameters:
            p.grad = torch.randn(p.shape, generator=random) * (3.0 if step % 2 else 0.1)
        gradient = [p.grad.flatten().tolist() for p in parameters]
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0).item()
        adamw.step()
        steps.append({"gradient": gradient, "norm": norm,
                      "parameters": [p.detach().flatten().tolist() for p in parameters]})
    schedules = {}
    for name, make in {"Constant": lambda o: get_constant_schedule_with_warmup(o, 3),
                       "Linear": lambda o: get_linear_schedule_with_warmup(o, 3, 20),
                       "Cosine": lambda o: get_cosine_schedule_with_warmup(o, 3, 20)}.items():
        scheduler = make(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5))
        rates = []
        for _ in range(20):
            rates.append(scheduler.get_last_lr()[0])
            scheduler.optimizer.step()
            scheduler.step()
        schedules[name] = rates
    (RESOURCES / "optimizer.json").write_text(json.dumps(
        {"start": start, "steps": steps, "schedules": schedules}, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(2)
    for each in sys.argv[1:] or CONFIGS:
        family(each, CONFIGS[each])
    if not sys.argv[1:]:
        optimizer()
