"""Writes models and an adapter under src/test/resources/files, as transformers and PEFT save them.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_files_golden.py

Seeded: a second run writes the same bytes.
"""

import json

import torch
from peft import LoraConfig, get_peft_model
from safetensors.numpy import save_file
from safetensors.torch import load_file

from toy_files import FILES, fresh, toy_llama, toy_tokenizer, write_json


def checkpoints(tokenizer):
    path = fresh("toy-llama")
    toy_llama().save_pretrained(path)
    tokenizer.save_pretrained(path)
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


def main():
    torch.set_num_threads(2)
    checkpoints(toy_tokenizer())
    adapter()


if __name__ == "__main__":
    main()
