#!/usr/bin/env python3
"""Writes a GGUF as a Hugging Face checkpoint in float32: widen_gguf.py FILE DIRECTORY"""
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(path, directory):
    folder, file = os.path.split(os.path.abspath(path))
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    # transformers refuses to save a model that it thinks is still quantised.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    partial = directory + ".partial"
    model.save_pretrained(partial)
    AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(partial)
    os.rename(partial, directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
