#!/usr/bin/env python3
"""Makes the golden values of training options, from PEFT's and transformers' own code; run it after make_golden.py.

  pip install -r requirements.txt
  python make_training_golden.py

Writes into src/test/resources/io/safegrad/trainer/golden/

  rslora.safetensors     of the llama toy with its adapter as rank-stabilised LoRA: logits of the first user batch, and
                         the gradients of its loss
  early_stopping.json    what EarlyStoppingCallback and Trainer's choice of the best model make of lists of losses
  weight_decay.json      the parameters of each toy in mode Full that Trainer's weight decay leaves out
"""
import json
import random
from types import SimpleNamespace

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, EarlyStoppingCallback, Trainer, TrainerControl, TrainerState
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

import safegrad_reference as reference
from make_golden import RESOURCES, TARGETS, gradients


def rslora():
    folder = RESOURCES / "llama"
    user = json.loads((folder / "golden.json").read_text())["user"]
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, use_rslora=True,
                                            target_modules=TARGETS))
    values = load_file(folder / "adapter.safetensors")
    adapter = [(key.replace(".default", ""), p) for key, p in model.named_parameters() if p.requires_grad]
    with torch.no_grad():
        for key, parameter in adapter:
            parameter.copy_(values[key])
    batch = reference.batch(user, 0, 4)
    golden = {"logits": model(input_ids=batch[0]).logits.detach()}
    golden |= {"user." + k: v for k, v in gradients(reference.user_loss(model, batch), adapter).items()}
    save_file({k: v.contiguous() for k, v in golden.items()}, RESOURCES / "rslora.safetensors")


def early_stopping():
    numbers = random.Random(11)
    cases = []
    for patience in (1, 2, 3):
        for threshold in (0.0, 0.05, 0.3):
            for _ in range(4):
                losses = [round(2 - 0.1 * i + numbers.uniform(-0.4, 0.4), 3) for i in range(10)]
                if numbers.random() < 0.5:
                    losses[3:6] = [losses[2]] * 3
                cases.append(case(patience, threshold, losses))
    (RESOURCES / "early_stopping.json").write_text(json.dumps(cases) + "\n")


def case(patience, threshold, losses):
    """One evaluation per step, as Trainer._maybe_log_save_evaluate does it: the callback, then the best metric."""
    args = SimpleNamespace(metric_for_best_model="loss", greater_is_better=False, load_best_model_at_end=True,
                           eval_strategy=IntervalStrategy.STEPS, save_strategy=SaveStrategy.STEPS)
    state, control = TrainerState(), TrainerControl()
    trainer = SimpleNamespace(args=args, state=state)
    callback = EarlyStoppingCallback(patience, threshold)
    stopped = None
    for step, loss in enumerate(losses, 1):
        state.global_step = step
        callback.on_evaluate(args, state, control, {"eval_loss": loss})
        Trainer._determine_best_metric(trainer, {"eval_loss": loss}, None)
        if control.should_training_stop:
            stopped = step
            break
    return {"patience": patience, "threshold": threshold, "losses": losses, "stopped": stopped,
            "best_step": state.best_global_step, "best_loss": state.best_metric}


def weight_decay():
    without = {}
    for folder in sorted(p.parent for p in RESOURCES.glob("*/model.safetensors")):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        decayed = set(Trainer.get_decay_parameter_names(None, model))
        without[folder.name] = sorted(name for name, _ in model.named_parameters() if name not in decayed)
    (RESOURCES / "weight_decay.json").write_text(json.dumps(without, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(2)
    rslora()
    early_stopping()
    weight_decay()
