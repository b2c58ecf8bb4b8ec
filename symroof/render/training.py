"""Training results as text: FLOP, memory, scaling laws, and the split of a block over devices."""

from collections.abc import Mapping
from typing import Any

from symroof.cost.notation import formula_text
from symroof.parallel.sharding import Split
from symroof.render.text_columns import align_columns, hanging_columns
from symroof.training.compute_optimal import Optimum
from symroof.training.flops import Training
from symroof.training.memory import TrainingMemory
from symroof.training.scaling_laws import Shape
from symroof.units import iec, si

WIDTH = 100  # columns that formulas are wrapped at


def training_text(training: Training) -> str:
    """FLOP per token and for all tokens, by pass, with closed forms."""
    heading = f"training of {training.model}: {training.tokens:,} tokens in sequences of {training.sequence:,}"
    passes = {name: training.number(getattr(training, name).flops) for name in ("forward", "backward", "recomputed")}
    rows = [(name, f"{si(n)} FLOP per token") for name, n in passes.items()]
    rows += [("total", f"{si(training.total)} FLOP for all tokens")]
    rows += [("hardware total", f"{si(training.hardware_total)} FLOP for all tokens")]
    notes = f"Rules: {', '.join(training.rules)}. Recompute: {training.recompute}.\n"
    return f"{heading}\n\n{align_columns(rows)}\n{_forms(training.closed_forms())}\n{notes}"


def training_memory_text(memory: TrainingMemory) -> str:
    """Bytes per device by part, with closed forms."""
    heading = f"training memory of {memory.model} on a device of the first stage, sequences of {memory.sequence:,}"
    forms = memory.closed_forms()
    rows = [(name, iec(memory.number(expr))) for name, expr in forms.items()]
    notes = f"Recompute: {memory.recompute}. Attention: {memory.attention}. States: {memory.states}.\n"
    return f"{heading}, micro-batch {memory.micro_batch:,}\n\n{align_columns(rows)}\n{_forms(forms)}\n{notes}"


def optimum_text(optimum: Optimum) -> str:
    """The compute-optimal size and tokens, their cost, and the method."""
    rows = [
        ("parameters", f"{optimum.parameters:.4g}"),
        ("tokens", f"{optimum.tokens:.4g}"),
        ("loss", f"{optimum.loss:.5g} nats per token"),
        ("training", f"{optimum.training:.4g} FLOP"),
        ("serving", f"{optimum.serving:.4g} FLOP"),
        ("method", optimum.method),
    ]
    heading = f"compute optimum by {optimum.law.name}: {optimum.law.source}"
    return f"{heading}\n\n{align_columns(rows)}\n{_forms(optimum.closed_forms())}"


def shape_text(shape: Shape) -> str:
    """Closed forms in depth, width and sequence length."""
    return f"shape of {shape.model} in L, d and n\n\n{_forms(shape.closed_forms())}"


def split_text(split: Split) -> str:
    """What is split over which devices, and closed forms of one device's share."""
    over = ", ".join(f"{name} over a {x.name} of {x.n}" for name, x in split.networks.items()) or "one device"
    return f"{split.block or 'all blocks'} of {split.model}: {over}\n\n{_forms(split.closed_forms())}"


def _forms(forms: Mapping[str, Any]) -> str:
    return hanging_columns([(f"{name} =", formula_text(expr)) for name, expr in forms.items()], WIDTH)
