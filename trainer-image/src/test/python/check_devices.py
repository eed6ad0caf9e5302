"""Checks that the trainer's operators stay on their device and compute in bfloat16.

    pip install -r requirements.txt
    python check_devices.py [--device meta|cpu|cuda]

Every operator of the TorchScript sources is called for layers of all families and says, for each:

  meta   whether any tensor was made anywhere but on the device (torch's `meta` device has shapes and no contents: what is
         made on the CPU beside it is seen), and in which types the results are. This needs no GPU.
  cpu    how far bfloat16 is from float32, and how far the attention that a GPU runs is from the processor's. The GPU's
         kernels are stood in for by plain attention of the same signature, so what is checked is all around them.
  cuda   as meta and cpu, on a GPU with its own kernels.

It fails when something is on another device, when an operator is called by no case, or when a difference is too large.
"""

import argparse
import math
import re
import sys

import torch
import torch._meta_registrations  # noqa: F401  the shapes of kernels that only a GPU has
from torch.utils._python_dispatch import TorchDispatchMode

from operators_archive import FILES, SOURCES, load_operators

HIDDEN, INTERMEDIATE, HEAD_DIM, Q_HEADS, K_HEADS, RANK, VOCABULARY = 32, 48, 8, 4, 2, 4, 40
RUNS = [2, 7, 1, 5]
TOKENS = 19
STARTS = [0, 7, 14, 19]
ENDS = [7, 7, 5]
EPS = 1e-5
# float32 twice in another order; bfloat16 has 8 bits, and a result is made of several roundings.
SAME, HALF = 2e-5, 0.06


class Family:
    """What a layer has, as DecoderLayerTest of the Java tests names it."""

    def __init__(self, bias=False, norms=False, gemma=False, window=0, soft_cap=0.0, pairs=HEAD_DIM // 2, dropout=0.0):
        self.bias, self.norms, self.gemma = bias, norms, gemma
        self.window, self.soft_cap, self.pairs, self.dropout = window, soft_cap, pairs, dropout


FAMILIES = {
    "llama": Family(),
    "qwen2": Family(bias=True),
    "qwen3": Family(norms=True),
    "mistral": Family(window=4),
    "gemma2": Family(gemma=True, window=4, soft_cap=2.0),
    "gemma3": Family(gemma=True, norms=True, window=3),
    "smollm3": Family(pairs=0),
    "dropout": Family(dropout=0.5),
}


class Elsewhere(TorchDispatchMode):
    """Notes every operation whose result is on another device."""

    def __init__(self, device):
        super().__init__()
        self.device, self.found = device, set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for each in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(each, torch.Tensor) and each.device.type != self.device:
                self.found.add(str(function))
        return result


class Case:
    """A layer's tensors on a device, the same for each device and type."""

    def __init__(self, family, device, dtype, storage="own"):
        generator = torch.Generator().manual_seed(7)
        width = (Q_HEADS + 2 * K_HEADS) * HEAD_DIM

        def normal(*shape, deviation=0.2, kind=torch.float32):
            return (torch.randn(*shape, generator=generator) * deviation).to(kind).to(device)

        self.family, self.device, self.dtype = family, device, dtype
        matrix = torch.bfloat16 if storage == "bfloat16" or dtype == torch.bfloat16 else torch.float32
        none = torch.empty(0, device=device)
        gemma = family.gemma
        self.x = normal(TOKENS, HIDDEN, deviation=1, kind=dtype)
        self.dy = normal(TOKENS, HIDDEN, deviation=1, kind=dtype)
        angles = torch.randn(16, 1, family.pairs, generator=generator)
        self.tables = torch.cos(angles).to(device), torch.sin(angles).to(device)
        self.rotations = self.rotations_at([token for rows, length in zip(RUNS[::2], RUNS[1::2]) for token in [*range(length)] * rows])
        self.gate = torch.full((1, RANK), 2.0, device=device)
        self.weights = [
            normal(HIDDEN, deviation=1),
            normal(width, HIDDEN, kind=matrix),
            normal(width) if family.bias else none,
            normal(HEAD_DIM, deviation=1) if family.norms else none,
            normal(HEAD_DIM, deviation=1) if family.norms else none,
            normal(HIDDEN, Q_HEADS * HEAD_DIM, kind=matrix),
            normal(HIDDEN, deviation=1),
            normal(2 * INTERMEDIATE, HIDDEN, kind=matrix),
            normal(HIDDEN, INTERMEDIATE, kind=matrix),
            normal(HIDDEN, deviation=1) if gemma else none,
            normal(HIDDEN, deviation=1) if gemma else none,
        ]
        self.adapter = [
            normal(3 * RANK, HIDDEN), normal(RANK, Q_HEADS * HEAD_DIM), normal(RANK, K_HEADS * HEAD_DIM),
            normal(RANK, K_HEADS * HEAD_DIM), normal(RANK, Q_HEADS * HEAD_DIM), normal(RANK, HIDDEN),
            normal(2 * RANK, HIDDEN), normal(RANK, INTERMEDIATE), normal(RANK, INTERMEDIATE),
            normal(RANK, INTERMEDIATE), normal(RANK, HIDDEN),
        ]
        self.starts = torch.tensor(STARTS, dtype=torch.int32).to(device)
        self.no_starts = self.starts[:0]
        self.head = normal(VOCABULARY, HIDDEN, kind=matrix)
        self.targets = torch.randint(VOCABULARY, (TOKENS,), generator=generator).to(device)
        self.positions = torch.arange(0, TOKENS, 2).to(device)
        self.none = none
        # Of three rows in caches of nine positions.
        self.ends = torch.tensor(ENDS).to(device)
        self.mask = torch.zeros(3, 1, 1, 9).to(device)

    def rotations_at(self, positions):
        """Cosines and sines of tokens at some positions."""
        return tuple(table[list(positions)] for table in self.tables)

    def settings(self):
        family = self.family
        return (HEAD_DIM, EPS, 1.0 if family.gemma else 0.0, family.gemma, 0.3, family.window, family.soft_cap)

    def dropped(self):
        return (self.family.dropout, [TOKENS, 40])


def layer(operators, case, starts):
    """Forward and backward; the results and the gradients."""
    arguments = (*case.rotations, case.gate, case.weights, case.adapter)
    tail = (RUNS, starts, *case.settings(), *case.dropped())
    none = case.x.new_empty(0)
    found = {}
    for batches, split in [("one batch", 0), ("two batches", TOKENS // 3)]:
        y, *saved = operators.layer_forward(case.x, *arguments, *tail, none, none)
        d_weights = [torch.zeros(w.shape, device=case.device) for w in case.weights]
        d_adapter = operators.zeros_like(case.adapter * (2 if split else 1))
        dx = operators.layer_backward(case.dy.clone(), case.x, *arguments, saved, d_weights, d_adapter, split, *tail)
        found |= {f"{name}, {batches}": each for name, each in [("y", y), ("dx", dx), ("adapter", d_adapter), ("weights", d_weights)]}
    return found


def generation(operators, case, starts):
    """A prompt's layer and one more token's."""
    rows, capacity = 3, 9
    model = (case.gate, case.weights, case.adapter)
    keys = operators.new_zeros(case.x, [rows, K_HEADS, capacity, HEAD_DIM])
    values = operators.new_empty(case.x, [rows, K_HEADS, capacity, HEAD_DIM])
    none = keys[:1, :, :0]
    read = operators.layer_prefill(case.x, *case.rotations, *model, keys, values, none, none, RUNS, starts, 7, *case.settings())
    first_keys, first_values = (case.x.new_empty([1, K_HEADS, 4, HEAD_DIM]) for _ in range(2))
    operators.layer_prefill(case.x[:4], *case.rotations_at(range(4)), *model, first_keys, first_values, none, none, [1, 4], starts[:2] * 4 // 7, 4, *case.settings())
    more = [operators.new_zeros(case.x, [rows, K_HEADS, capacity, HEAD_DIM]) for _ in range(2)]
    behind = operators.layer_prefill(case.x[4:16], *case.rotations_at([4, 5, 6, 7] * rows), *model, *more, first_keys, first_values, [rows, 4], starts[:0], 8, *case.settings())
    told = operators.layer_decode(case.x[:rows], *case.rotations_at(ENDS), *model, keys, values, case.mask, 7, *case.settings())
    return {"prefill": read, "prefill behind": behind, "decode": told, "kept": operators.select_rows(keys, case.ends[:2] - 5),
            "some": operators.rows(keys, 1, 2)}


def ends(operators, case, _):
    """Embedding, losses and what is told of the next token."""
    cap = case.family.soft_cap
    norm, kind = case.weights[0], 15 if case.dtype == torch.bfloat16 else 6
    embedded = operators.embed(case.head, case.targets, 2.0, kind)
    d_embedding = torch.zeros(case.head.shape, device=case.device)
    operators.embed_backward_(d_embedding, case.targets, case.dy, 2.0)
    states = operators.final_states(case.x, norm, case.positions, EPS, 0.0)
    targets = case.targets[: states.shape[0]]
    d_head = torch.zeros(case.head.shape, device=case.device)
    loss, d = operators.cross_entropy(states, case.head, targets, d_head, cap, 0.1)
    reference = operators.final_states(case.dy, norm, case.positions, EPS, 0.0)
    divergence, d_kl = operators.kl_divergence(states, case.head, reference, case.none, d_head, cap, 0.1)
    own, _ = operators.kl_divergence(states, case.head, states, case.head, case.none, cap, 0.1)
    dx, d_norm = torch.zeros_like(case.x), torch.zeros_like(norm)
    operators.final_states_backward_(dx, d.clone(), case.x, norm, d_norm, case.positions, EPS, 0.0)
    last = (case.x, norm, case.head, case.positions, EPS, 0.0, cap)
    operators.greedy(*last)
    return {
        "embedded": embedded, "d_embedding": d_embedding, "loss": loss, "d_states": d, "kl": divergence, "d_kl": d_kl,
        "kl_to_itself": own, "d_head": d_head, "d_x": dx, "d_norm": d_norm,
        "losses": operators.cross_entropies(states, case.head, targets, cap), "logits": operators.last_logits(*last),
    }


def vectors(operators, case, _):
    """What the optimizer, the surgery and the methods do; on what is trained, which is float32 in any case."""
    a = [each.clone() for each in case.adapter]
    b = [each.clone() for each in case.adapter[::-1]]
    b = [one.reshape(-1)[:1] * two for one, two in zip(b, a)]
    mean, square = operators.zeros_like(a), operators.zeros_like(a)
    operators.add_scaled_(a, b, 0.5)
    operators.add_difference_(a, b, mean, 0.5)
    found = {"clip": operators.clip(a, 0.1, 1e-6)}
    operators.adamw_(a, b, mean, square, 3, 0.01, 0.01, 0.9, 0.999, 1e-8)
    dot, distance = operators.dot(a, b), operators.squared_distance(a, b)
    moved = operators.moved(a, b, 0.5)
    operators.assign_(b, a)
    operators.merge_(case.none.new_zeros(HIDDEN, HIDDEN), a[5].t().contiguous(), case.adapter[0][:RANK], 2.0)
    safe = operators.safe_lora(case.none.new_ones(HIDDEN, HIDDEN), a[5].t().contiguous(), case.adapter[0][:RANK])
    joined = operators.concatenate([operators.copy(a[0]), operators.first_matrix(a[0].reshape(-1), 2, HIDDEN)])
    operators.copy_(operators.elements(joined, 3, 4), a[0].reshape(-1)[:4])
    kept = operators.to_bfloat16(a[0])
    found |= {"vector": a, "moved": moved, "numbers": operators.side_by_side([dot, distance]), "safe": safe}
    found |= {"joined": joined, "kept": operators.to_float32(kept)}
    operators.fill_zero_(b)
    return found


def host(operators, case, _):
    """What is the CPU's own: quantised matrices, of which a GPU is given none, its functions, and copies from and to it."""
    kept = operators.to_int8(case.adapter[0])
    operators.vector_functions()
    operators.empty_bfloat16([HIDDEN])
    return {"int8": operators.to_float32(kept), "host": operators.to_host(operators.to_device(case.head, "cpu"))}


PARTS = {"layer": layer, "generation": generation, "ends": ends, "vectors": vectors, "host": host}


def stand_in(library):
    """Plain attention under the names and signatures of the kernels that only a GPU has."""

    def sequences(q, k, starts, scale, window, v=None):
        """Of each sequence: where it lies, its q and k, v by query head, and its attention weights [heads, length, length]."""
        groups = q.shape[1] // k.shape[1]
        for first, end in zip(starts[:-1].tolist(), starts[1:].tolist()):
            own_q, own_k, own_v = (part[first:end].float().transpose(0, 1) for part in (q, k, v))
            own_k, own_v = (part.repeat_interleave(groups, 0) for part in (own_k, own_v))
            distance = torch.arange(end - first)[:, None] - torch.arange(end - first)[None, :]
            seen = (distance >= 0) & ((distance <= window) if window >= 0 else True)
            scores = (own_q @ own_k.transpose(1, 2)) * scale
            yield slice(first, end), own_q, own_k, own_v, scores.masked_fill(~seen, -math.inf).softmax(-1)

    def forward(q, k, v, starts, k_starts, longest, k_longest, dropout, causal, debug, *, scale=None,
                window_size_left=None, **others):
        assert causal and dropout == 0 and not debug and starts.dtype == torch.int32 and starts[-1] == q.shape[0]
        assert longest == k_longest == (starts[1:] - starts[:-1]).max() and all(part.stride(-1) == 1 for part in (q, k, v))
        out = torch.empty(q.shape, dtype=q.dtype)
        for place, _, _, values, p in sequences(q, k, starts, scale, window_size_left, v):
            out[place] = (p @ values).transpose(0, 1).to(q.dtype)
        number = torch.empty(0)
        return out, torch.zeros(q.shape[1], q.shape[0]), number, number, number

    def backward(d_out, q, k, v, out, log_sum, starts, k_starts, longest, k_longest, dropout, causal, state, unused, *,
                 scale=None, window_size_left=None, **others):
        assert log_sum.shape == (q.shape[1], q.shape[0]) and out.shape == q.shape == d_out.shape
        gradients = [torch.empty(part.shape, dtype=q.dtype) for part in (q, k, v)]
        for place, queries, keys, values, p in sequences(q, k, starts, scale, window_size_left, v):
            d = d_out[place].float().transpose(0, 1)
            d_p = d @ values.transpose(1, 2)
            d_scores = p * (d_p - (d_p * p).sum(-1, True)) * scale
            found = [d_scores @ keys, d_scores.transpose(1, 2) @ queries, p.transpose(1, 2) @ d]
            for gradient, one in zip(gradients, found):
                by_group = one.unflatten(0, [gradient.shape[1], -1]).sum(1)
                gradient[place] = by_group.transpose(0, 1).to(q.dtype)
        return tuple(gradients)

    library.impl("_flash_attention_forward", forward, "CPU")
    library.impl("_flash_attention_backward", backward, "CPU")


def flat(found):
    for name, each in found.items():
        parts = each if isinstance(each, (list, tuple)) else [each]
        filled = [part.reshape(-1) for part in parts if part.numel() > 0]
        if filled:
            yield name, torch.cat([part.double() if part.device.type != "meta" else part for part in filled])


def difference(found, expected):
    """The largest ‖found − expected‖ / ‖expected‖ of all results."""
    worst = 0.0
    for (name, one), (_, other) in zip(flat(found), flat(expected), strict=True):
        one, other = one.cpu(), other.cpu()
        if name == "kl_to_itself":
            assert one.abs().max() < 1e-9, f"the divergence of a model from itself is {one.item()}"
        elif other.norm() > 0:
            assert torch.isfinite(one).all(), name
            worst = max(worst, ((one - other).norm() / other.norm()).item())
    return worst


def names():
    """Operators that Java calls: all but those that only call one another."""
    text = "".join((SOURCES / f"{name}.torchscript").read_text() for name in FILES)
    defined = re.findall(r"^  def (\w+)\(self", text, re.M)
    return [name for name in defined if f"self.{name}(" not in text]


class Called:
    """Operators, noting which were called."""

    def __init__(self, operators):
        self.operators, self.called = operators, set()

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(self.operators, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["meta", "cpu", "cuda"], action="append")
    devices = parser.parse_args().device or ["meta", "cpu"]
    torch.set_grad_enabled(False)
    operators = Called(load_operators())
    failures = []
    kernels = torch.library.Library("aten", "IMPL")
    stand_in(kernels)
    print("| device | part | family | elsewhere | bfloat16 from float32 | a GPU's attention from the processor's |")
    print("|---|---|---|---|---|---|")
    for device in devices:
        for part, run in PARTS.items():
            if part == "host" and device != "cpu":
                continue
            for name, family in FAMILIES.items():
                elsewhere = half = kernel = "-"
                if device != "cpu":
                    with Elsewhere(device) as mode:
                        case = Case(family, device, torch.bfloat16)
                        mode.found.clear()
                        run(operators, case, case.starts)
                    elsewhere = ", ".join(sorted(mode.found)) or "none"
                    failures += [f"{device} {part} {name}: {elsewhere}"] if mode.found else []
                if device != "meta":
                    cases = {kind: Case(family, "cpu", kind) for kind in (torch.float32, torch.bfloat16)}
                    single = run(operators, cases[torch.float32], cases[torch.float32].no_starts)
                    on_device = Case(family, device, torch.bfloat16)
                    starts = on_device.starts if device == "cuda" else on_device.no_starts
                    found = run(operators, on_device, starts)
                    if device == "cuda" and family.dropout > 0:
                        # A GPU draws other masks than a processor: what is held is that it draws the same ones again.
                        single = run(operators, Case(family, device, torch.bfloat16), starts)
                    far = difference(found, single)
                    half = f"{far:.1e}"
                    failures += [f"{device} {part} {name}: bfloat16 {half}"] if far > HALF else []
                    if device == "cpu":
                        case = cases[torch.float32]
                        far = difference(run(operators, case, case.starts), single)
                        kernel = f"{far:.1e}"
                        failures += [f"{device} {part} {name}: attention {kernel}"] if far > SAME else []
                print(f"| {device} | {part} | {name} | {elsewhere} | {half} | {kernel} |", flush=True)
    left = sorted(set(names()) - operators.called) if "cpu" in devices else []
    failures += [f"called by no case: {', '.join(left)}"] if left else []
    print(f"\n{len(operators.called)} operators called; {len(failures)} failures")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
