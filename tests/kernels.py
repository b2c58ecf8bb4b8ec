"""Measured kernels beside the lower bound of the operators that they are.

The tables are NVIDIA's, of aiconfigurator-core 0.12.0 (github.com/ai-dynamo/aiconfigurator, Apache-2.0): one kernel a
row, with milliseconds. A kernel of several operators (routed experts) is bounded by all of them at once, as a step is.
"""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from sympy import Integer, Symbol, sympify

from symroof import symbols as s
from symroof.algebra.codegen import exact_function
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Op
from symroof.cost.masks import CAUSAL
from symroof.cost.operator_time import operator_seconds
from symroof.dtypes import format_of
from symroof.hardware.machines import machine
from symroof.hardware.platform import platform
from symroof.ops import dense, experts
from symroof.ops.attention.grouped import grouped_attention
from symroof.ops.attention.latent import LATENT_SUMS, latent_attention
from symroof.quantization.precision import Precision

SAMPLE = Path(__file__).parent / "truth" / "kernels_sample.csv.gz"

# The table's word for a format -> weights and activations. Scales of blocks of 128 are left out.
MULTIPLIED = {
    "bfloat16": ("bf16", "bf16"),
    "fp8": ("fp8", "fp8"),
    "fp8_block": ("fp8", "fp8"),
    "nvfp4": ("nvfp4", "nvfp4"),
    "sq": ("int8", "int8"),
    "int8_wo": ("int8", "bf16"),
    "int4_wo": ("int4", "bf16"),
    "w4a8_mxfp4_mxfp8": ("mxfp4", "mxfp8"),
}
# Bytes of L2, which the repeats of a measurement leave weights and cache in: so much of them need not come from memory.
L2 = {"l40s": 96 * 2**20, "rtx-pro-6000-server": 128 * 2**20}
CORRUPT = ("a100-sxm-80gb", "trtllm", "decode_attention")  # a table that moves up to 1.6 x what the memory can


@dataclass(frozen=True)
class Kernel:
    """A row of the table."""

    machine: str
    engine: str
    version: str
    op: str
    format: str
    shape: str
    latency_ms: str
    unquantized: bool = False  # its activations are said to be bf16, as one who names the format of weights alone does

    @property
    def seconds(self) -> float:
        """What it took."""
        return float(self.latency_ms) / 1e3

    @property
    def sizes(self) -> dict[str, int]:
        """The shape by name."""
        return {name: int(value) for name, _, value in (x.partition("=") for x in self.shape.split())}

    @cached_property
    def precision(self) -> Precision:
        """The formats of its operands."""
        first, *rest = self.format.split("/")
        weights, activations = MULTIPLIED[first]
        activations = "bf16" if self.unquantized else activations
        cached = next((x.removeprefix("kv=") for x in rest if x.startswith("kv=")), activations)
        names = {"weights": weights, "experts": weights, "activations": activations, "cache": cached}
        return Precision({role: format_of(x) for role, x in names.items()}, {})

    @cached_property
    def least(self) -> tuple[float, float]:
        """Seconds of its matmuls, and of its weights and cache, in the lower bound."""
        given = {**values(self.op, self.sizes), **HEADS, s.h: self._head, s.sigma: 0, s.phi: 0}
        given |= {s.symbol(name): x for name, x in self.precision.widths().items()}
        op, function, symbols = compiled(self.operator)
        cost = Cost(**dict(zip(FIELDS, function(*(given[x] for x in symbols)), strict=True)))
        rates = platform(self.machine).bounding_rates(cost.matmul, op.operands, self.precision)
        seconds = operator_seconds(cost, rates).matmul, operator_seconds(cost.weights_and_cache, rates).memory
        in_cache = L2.get(self.machine, 0) / machine(self.machine).bandwidth
        return float(seconds[0]), max(0.0, float(seconds[1]) - in_cache)

    @property
    def operator(self) -> str:
        """The key of OPERATORS."""
        return "moe_plain" if (self.sizes.get("hidden"), self.sizes.get("expert")) == PLAIN else self.op

    @property
    def _head(self) -> int:
        return int(self.format.rpartition("/h=")[2]) if "/h=" in self.format else 0

    @property
    def bound(self) -> float:
        """The lower bound."""
        return max(self.least)

    @property
    def corrupt(self) -> bool:
        """Whether its table is."""
        return (self.machine, self.engine, self.op) == CORRUPT


PLAIN = (2688, 1856)  # Nemotron 3 Nano: its experts have no gate
HEADS = {s.r_kv: 512, s.h_n: 128, s.h_r: 64, s.h_v: 128}  # of DeepSeek's latent attention


def values(op: str, x: Mapping[str, int]) -> dict[Symbol, int]:
    """The sizes of a kernel, sums over its batch, and the experts that it reads."""
    if op == "gemm":
        return {s.T: x["m"], s.d: x["k"], s.f: x["n"]}
    if op == "moe":
        return {s.d: x["hidden"], s.f: x["expert"] // x["tp"], **routed(x)}
    batch, new, cached = x["batch"], x.get("new", 1), x.get("context", 1) - 1
    tokens, pairs, read = batch * new, batch * (new * cached + new * (new + 1) // 2), batch * cached
    latent = {s.T_lat: tokens, s.P_lat: pairs, s.C_lat: read} if new == 1 else {s.T_lat: 0, s.P_lat: 0, s.C_lat: 0}
    heads = {s.H_q: x["heads"], s.H_kv: x.get("kv_heads", 1)}
    return {s.T: tokens, s.P: pairs, s.C: read, s.K: tokens + read, **latent, **heads}


def routed(x: Mapping[str, int]) -> dict[Symbol, int]:
    """The rows that the experts of one rank run if all ranks run as many, and the fewest experts it can read.

    Under a skewed router about 1 % of the rows read fewer than a router without preference does in expectation.
    """
    return {
        s.T: x["tokens"] * x["topk"] // x["ep"],
        s.k_run: 1,
        s.N_e: x["experts"] // x["ep"],
        s.N_x: max(1, x["topk"] // x["ep"]),
    }


OPERATORS = {
    "gemm": dense.linear(s.T, s.d, s.f),
    "decode_attention": grouped_attention(s.T, CAUSAL, s.H_q, s.H_kv, s.h, s.h),
    "prefill_attention": grouped_attention(s.T, CAUSAL, s.H_q, s.H_kv, s.h, s.h),
    "decode_mla": latent_attention(LATENT_SUMS["causal"], s.H_q, s.r_kv, s.h_n, s.h_r, s.h_v, Integer(0)),
    "prefill_mla": latent_attention(LATENT_SUMS["causal"], s.H_q, s.r_kv, s.h_n, s.h_r, s.h_v, Integer(0)),
    "moe": experts.expert_linear(s.T, s.d, 2 * s.f) + experts.expert_linear(s.T, s.f, s.d),
    "moe_plain": experts.expert_linear(s.T, s.d, s.f) + experts.expert_linear(s.T, s.f, s.d),
}


@cache
def compiled(op: str) -> tuple[Op, Callable[..., Any], list[Symbol]]:
    """The operator of a kernel, and a function of its symbols that returns the fields of its cost."""
    figures = [sympify(getattr(OPERATORS[op], x), strict=True) for x in FIELDS]
    symbols = sorted(set().union(*(x.free_symbols for x in figures)), key=str)
    return Op(op, "", OPERATORS[op]), exact_function(figures, symbols), symbols


def kernels(path: Path = SAMPLE) -> Iterator[Kernel]:
    """The rows of a table that have an operator; lines that begin with # are comments."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = csv.DictReader(x for x in lines if not x.startswith("#"))
        yield from (x for x in (Kernel(**row) for row in rows) if x.op in OPERATORS)
