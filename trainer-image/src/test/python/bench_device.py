"""Times a step of the trainer's operators in bfloat16 beside transformers + PEFT in bfloat16 with sdpa, interleaved.

    pip install -r requirements.txt
    python bench_device.py --device cuda --shape llama-3.2-1b --rows 4 --length 1024
    python bench_device.py --device cpu --shape tiny --rows 2 --length 64        # tries the program

Random weights at the shapes of Llama-3.2-1B and Llama-3.1-8B, LoRA r 8 on the seven linears, labels on half of the
positions, AdamW. `Sft` is one pass; `SafeGrad` is two, the second of which is the divergence from the start model: ours
with the start model's states kept, the reference's computed anew with its adapter off. The loop below is that of
TrainingPass.java, so what it does not measure is Java's own time. It prints a table with the device's name, and how far
both sides' first gradients are from each other. docs/gpu.md has what an H200 gave.
"""

import argparse
import copy
import json
import pathlib
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from operators_archive import load_operators

SHAPES = {
    "tiny": dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, head_dim=16, vocab_size=512, tie_word_embeddings=True),
    "llama-3.2-1b": dict(hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
                         num_key_value_heads=8, head_dim=64, vocab_size=128256, tie_word_embeddings=True),
    "llama-3.1-8b": dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
                         num_key_value_heads=8, head_dim=128, vocab_size=128256, tie_word_embeddings=False),
}
RANK, ALPHA, THETA, EPS, LEARNING_RATE = 8, 16, 5e5, 1e-5, 1e-4
GROUPS = [["q_proj", "k_proj", "v_proj"], ["o_proj"], ["gate_proj", "up_proj"], ["down_proj"]]


class Ours:
    """The operators, on copies of a reference model's weights and adapter."""

    def __init__(self, operators, peft_model, config, rows, length):
        self.operators, self.config = operators, config
        self.weights, self.adapter = [], []
        base = peft_model.get_base_model()
        self.device = base.lm_head.weight.device
        none = torch.empty(0, device=self.device)
        for layer in base.model.layers:
            def linears(group):
                return [getattr(layer.self_attn if name[0] in "qkvo" else layer.mlp, name) for name in group]

            def matrix(group):
                return torch.cat([linear.base_layer.weight.detach() for linear in linears(group)])

            def norm(module):
                return module.weight.detach().float()

            first, last = norm(layer.input_layernorm), norm(layer.post_attention_layernorm)
            qkv, o, gate_up, down = (matrix(group) for group in GROUPS)
            self.weights.append([first, qkv, none, none, none, o, last, gate_up, down, none, none])
            factors = []
            for group in GROUPS:
                adapters = linears(group)
                factors.append(torch.cat([each.lora_A["default"].weight.detach().float() for each in adapters]))
                factors += [each.lora_B["default"].weight.detach().float().t().contiguous() for each in adapters]
            self.adapter.append(factors)
        self.embedding = base.model.embed_tokens.weight.detach()
        self.head = base.lm_head.weight.detach()
        self.norm = base.model.norm.weight.detach().float()
        half = config.head_dim // 2
        angles = torch.arange(length)[:, None] * THETA ** (-torch.arange(half) / half)
        self.tables = [f(angles).repeat(rows, 1)[:, None, :].to(self.device) for f in (torch.cos, torch.sin)]
        self.trained, self.frozen = (torch.full((1, RANK), v, device=self.device) for v in (ALPHA / RANK, 0.0))
        self.runs = [rows, length]
        starts = torch.arange(0, rows * length + 1, length, dtype=torch.int32)
        self.starts = (starts if self.device.type == "cuda" else starts[:0]).to(self.device)
        self.flat = [factor for layer in self.adapter for factor in layer]
        self.moments = [operators.zeros_like(self.flat) for _ in range(2)]
        self.steps = 0

    def tail(self):
        head_dim = self.config.head_dim
        return (self.runs, self.starts, head_dim, EPS, 0.0, False, head_dim ** -0.5, 0, 0.0, 0.0, [0, 0])

    def gradients(self):
        flat = self.operators.zeros_like(self.flat)
        size = len(self.adapter[0])
        return flat, [flat[i : i + size] for i in range(0, len(flat), size)]

    def forward(self, ids, gate):
        x, inputs, saved = self.operators.embed(self.embedding, ids, 1.0, 15), [], []
        for weights, adapter in zip(self.weights, self.adapter):
            inputs.append(x)
            none = x.new_empty(0)
            x, *kept = self.operators.layer_forward(x, *self.tables, gate, weights, adapter, *self.tail(), none, none)
            saved.append(kept)
        return x, inputs, saved

    def states(self, ids, positions):
        """The start model's."""
        return self.operators.final_states(self.forward(ids, self.frozen)[0], self.norm, positions, EPS, 0.0)

    def add(self, ids, positions, loss, gradient):
        """One pass, as TrainingPass.java."""
        last, inputs, saved = self.forward(ids, self.trained)
        none = last.new_empty(0)
        states = self.operators.final_states(last, self.norm, positions, EPS, 0.0)
        value, d_states = loss(states)
        d = torch.zeros_like(last)
        self.operators.final_states_backward_(d, d_states, last, self.norm, none.float(), positions, EPS, 0.0)
        for i in reversed(range(len(self.weights))):
            nothing = [none.float()] * len(self.weights[i])
            arguments = (*self.tables, self.trained, self.weights[i], self.adapter[i], saved.pop(), nothing, gradient[i], 0)
            d = self.operators.layer_backward(d, inputs.pop(), *arguments, *self.tail())
        return value

    def cross_entropy(self, targets):
        scale = 1.0 / targets.numel()
        return lambda states: self.operators.cross_entropy(states, self.head, targets, states.new_empty(0), 0.0, scale)

    def divergence(self, reference):
        none = reference.new_empty(0)
        scale = 1.0 / reference.shape[0]
        return lambda states: self.operators.kl_divergence(states, self.head, reference, none, none, 0.0, scale)

    def step(self, method, batch, reference, moves=True):
        ids, positions, targets = batch
        flat, layers = self.gradients()
        loss = self.add(ids, positions, self.cross_entropy(targets), layers)
        numbers = [loss]
        if method == "SafeGrad":
            aligned, aligned_layers = self.gradients()
            numbers.append(self.add(ids, positions, self.divergence(reference), aligned_layers))
            self.aligned = aligned
            products = [self.operators.dot(*pair) for pair in ((flat, flat), (aligned, aligned), (flat, aligned))]
            _, square, dot = self.operators.side_by_side(products).tolist()
            weight = 1.0 + (-dot / square if dot < 0 < square else 0.0)
            self.operators.add_scaled_(flat, aligned, weight)
        numbers.append(self.operators.clip(flat, 1.0, 1e-6))
        if moves:
            self.steps += 1
            self.operators.adamw_(self.flat, flat, *self.moments, self.steps, LEARNING_RATE, 0.0, 0.9, 0.999, 1e-8)
        return self.operators.side_by_side(numbers).tolist()[0] / targets.numel(), flat


class Reference:
    """transformers + PEFT."""

    def __init__(self, model):
        self.model = model
        self.trained = [each for each in model.parameters() if each.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=LEARNING_RATE, weight_decay=0.0)

    def loss(self, ids, labels):
        return self.model(input_ids=ids, labels=labels).loss

    def divergence(self, ids, labels):
        with torch.no_grad(), self.model.disable_adapter():
            expected = self.model(input_ids=ids).logits
        seen = (labels[:, 1:] != -100).reshape(-1)
        p, q = (each[:, :-1].reshape(-1, each.shape[-1])[seen].float().log_softmax(-1)
                for each in (expected, self.model(input_ids=ids).logits))
        return torch.nn.functional.kl_div(q, p, log_target=True, reduction="batchmean")

    def step(self, method, ids, labels, moves=True):
        with torch.enable_grad():
            loss = self.loss(ids, labels)
            gradient = torch.autograd.grad(loss, self.trained)
            if method == "SafeGrad":
                aligned = torch.autograd.grad(self.divergence(ids, labels), self.trained)
                self.aligned = aligned
                dot, square = (sum((a.float() * b.float()).sum() for a, b in zip(aligned, other))
                               for other in (gradient, aligned))
                dot, square = dot.item(), square.item()
                weight = 1.0 + (-dot / square if dot < 0 < square else 0.0)
                gradient = [g + weight * a for g, a in zip(gradient, aligned)]
        for parameter, each in zip(self.trained, gradient):
            parameter.grad = each
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        if moves:
            self.optimizer.step()
        return loss.item(), [parameter.grad for parameter in self.trained]


def in_our_order(model, gradient, ours):
    """A gradient of transformers' in one vector, in our order and shapes."""
    names = [name for name, each in model.named_parameters() if each.requires_grad]
    by_name = dict(zip(names, gradient))
    expected = []
    for layer in range(len(ours.adapter)):
        for group in GROUPS:
            stem = [next(n for n in names if f".layers.{layer}." in n and f".{each}.lora_A" in n) for each in group]
            expected.append(torch.cat([by_name[name].float() for name in stem]))
            expected += [by_name[name.replace("lora_A", "lora_B")].float().t() for name in stem]
    return joined(expected)


def joined(gradient):
    return torch.cat([each.reshape(-1).double() for each in gradient])


def apart(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def print_float32(model, ours, theirs, batch, kept, ids, labels):
    """How far both sides' gradients are from those of the same weights in float32."""
    single = copy.deepcopy(model).float()
    truth = Reference(single)
    print("| gradient of | ours from float32 | reference from float32 |\n|---|---|---|")
    ours.step("SafeGrad", batch, kept, False), theirs.step("SafeGrad", ids, labels, False)
    truth.step("SafeGrad", ids, labels, False)
    divergences = [joined(ours.aligned), in_our_order(model, theirs.aligned, ours), in_our_order(single, truth.aligned, ours)]
    _, found = ours.step("Sft", batch, kept, False)
    losses = [joined(found), *(in_our_order(one.model, one.step("Sft", ids, labels, False)[1], ours) for one in (theirs, truth))]
    for name, (own, other, expected) in (("the loss", losses), ("the divergence", divergences)):
        print(f"| {name} | {apart(own, expected):.1e} | {apart(other, expected):.1e} |", flush=True)
    print()


def print_profile(step):
    """Where a step's time goes on the device."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        for _ in range(3):
            step()
        torch.cuda.synchronize()
    print(seen.key_averages().table(sort_by="self_cuda_time_total", row_limit=25, max_name_column_width=70), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--shape", choices=list(SHAPES), default="llama-3.2-1b")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--float32", action="store_true", help="also how far both are from float32")
    parser.add_argument("--profile", action="store_true", help="also where the time of a step goes on the GPU")
    parser.add_argument("--save", type=pathlib.Path, help="leaves model, adapter and rows there, for DeviceBench.java")
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_grad_enabled(False)
    cuda = options.device == "cuda"
    config = LlamaConfig(rope_theta=THETA, rms_norm_eps=EPS, max_position_embeddings=options.length, **SHAPES[options.shape])
    config._attn_implementation = "sdpa"
    with torch.device(options.device):
        # As from_pretrained: `to(bfloat16)` would round the rotary frequencies, too, and be whole radians off at 1,000 tokens.
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
        assert model.model.rotary_emb.inv_freq.dtype == torch.float32
        if options.save:
            model.save_pretrained(options.save)
        linears = [name for group in GROUPS for name in group]
        model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=linears))
        for name, each in model.named_parameters():
            if "lora_B" in name:
                each.data.normal_(0, 0.02)
    torch._C._set_graph_executor_optimize(False)  # as Operators.java
    operators = load_operators()
    ids = torch.randint(config.vocab_size, (options.rows, options.length)).to(options.device)
    labels = ids.clone()
    labels[:, : options.length // 2] = -100
    if options.save:
        model.save_pretrained(options.save / "adapter")
        rows = [{"input_ids": row.tolist(), "labels": own.tolist()} for row, own in zip(ids, labels)]
        (options.save / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flat = labels.reshape(-1)
    labelled = (flat != -100).nonzero()[:, 0]
    batch = ids.reshape(-1), labelled - 1, flat[labelled]
    ours, theirs = Ours(operators, model, config, options.rows, options.length), Reference(model)
    kept = ours.states(batch[0], batch[1])
    # Both sides hold the layers' matrices, ours side by side: of each peak, the other's are taken away.
    others = sum(each.numel() * each.element_size() for layer in ours.weights for each in layer) / 2 ** 30
    print(f"{torch.cuda.get_device_name() if cuda else 'CPU'}, {options.shape}, {options.rows} x {options.length} tokens,"
          f" bfloat16, torch {torch.__version__}\n")
    if options.float32:
        print_float32(model, ours, theirs, batch, kept, ids, labels)
    print("| method | ours ms | reference ms | ratio | ours tokens/s | ours GiB | reference GiB | loss ours | reference"
          " | gradients apart |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for method in ("Sft", "SafeGrad"):
        sides = (lambda moves: ours.step(method, batch, kept, moves), lambda moves: theirs.step(method, ids, labels, moves))
        first = [side(False) for side in sides]
        far = apart(joined(first[0][1]), in_our_order(model, first[1][1], ours))
        times, memory = ([], []), [0, 0]
        for _ in range(options.steps):
            for i, side in enumerate(sides):
                if cuda:
                    torch.cuda.synchronize()
                    torch.cuda.reset_peak_memory_stats()
                start = time.perf_counter()
                side(True)
                if cuda:
                    torch.cuda.synchronize()
                    memory[i] = max(memory[i], torch.cuda.max_memory_allocated() / 2 ** 30 - others)
                times[i].append((time.perf_counter() - start) * 1000)
        medians = [statistics.median(each[1:]) for each in times]
        print(f"| {method} | {medians[0]:.1f} | {medians[1]:.1f} | {medians[0] / medians[1]:.2f}"
              f" | {ids.numel() / medians[0] * 1000:.0f} | {memory[0]:.1f} | {memory[1]:.1f}"
              f" | {first[0][0]:.4f} | {first[1][0]:.4f} | {far:.1e} |", flush=True)
    if options.profile:
        for method in ("Sft", "SafeGrad"):
            print_profile(lambda: ours.step(method, batch, kept))
        print_profile(lambda: theirs.step("Sft", ids, labels))


if __name__ == "__main__":
    main()
