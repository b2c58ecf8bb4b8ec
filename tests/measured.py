"""Published measurements of whole steps and of single kernels: nothing may run faster than a lower bound.

Where a setting is not known it is taken such that the bound is the smallest it can be, and `told` says so. Machines
are together, ideally parallel: nothing is sent, and weights are read once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import symroof
from symroof.hardware.machines import Machine, inline_machine, machine
from symroof.hardware.platform import platform
from symroof.performance.roofline import Roofline, roofline

load = cache(symroof.load)


@dataclass(frozen=True)
class Measured:
    """Tokens a second of all machines together, on a step of `batch` queries of `new` tokens after `cached` ones.

    `on` is a machine's name or a line that `--machine` takes. `any_batch`: it is not known, and so large here that
    the bound is compute, which no larger one makes faster a token. `in_turn`: the engine launches one kernel after
    another, each reading what the one before has written, so that no operator overlaps the next.
    """

    source: str
    model: str
    on: str
    count: int
    rate: float
    new: int = 1
    cached: int = 0
    batch: int = 1
    formats: Mapping[str, str] = field(default_factory=dict)
    logits: str = "last"
    any_batch: bool = False
    in_turn: bool = False
    told: str = ""

    @property
    def machine(self) -> Machine:
        """The machines it ran on."""
        return (inline_machine(self.on) if "=" in self.on else machine(self.on)).times(self.count)

    @property
    def seconds(self) -> float:
        """What the step took."""
        return self.new * self.batch / self.rate

    def roofline(self, anyway: bool = False) -> Roofline:
        """The step on the machine at its peaks. Raises DoesNotFit unless `anyway`: what has run must fit."""
        step: dict[str, Any] = {"new": self.new, "cached": self.cached, "batch_size": self.batch, **self.formats}
        return roofline(load(self.model), platform(self.machine), "standard", self.logits, anyway, **step)


A100, GCD = "a100-sxm-80gb", "mi250x-gcd"
BF16, INT8, INT4 = {"dtype": "bf16"}, {"weights": "int8"}, {"weights": "int4"}
INT4_FP16 = {**INT4, "activations": "fp16"}
FP8 = {"weights": "fp8", "activations": "fp8"}
FP4 = {"weights": "nvfp4", "activations": "nvfp4", "cache": "fp8"}

# github.com/pytorch-labs/gpt-fast, README and mixtral-moe: batch 1, a prompt of 5 tokens, 200 new ones.
# (model, formats, machine) -> tokens/s by number of machines. int4 has groups of 32, whose scales come on top.
GPT_FAST: list[tuple[str, Mapping[str, str], str, dict[int, float]]] = [
    ("llama-2-7b", BF16, A100, {1: 104.9, 2: 168.84, 4: 254.02, 8: 328.43}),
    ("llama-2-7b", INT8, A100, {1: 155.58}),
    ("llama-2-7b", INT4, A100, {1: 196.80}),
    ("llama-2-70b", BF16, A100, {2: 21.32, 4: 38.01, 8: 62.50}),
    ("llama-2-70b", INT8, A100, {1: 19.13, 8: 80.44}),
    ("llama-2-70b", INT4, A100, {1: 25.25, 8: 90.77}),
    ("llama-3.1-8b", BF16, A100, {1: 93.89, 2: 149.10, 4: 217.21, 8: 276.01}),
    ("llama-3.1-8b", INT8, A100, {1: 137.64}),
    ("llama-3.1-70b", BF16, A100, {2: 16.03, 4: 37.45, 8: 58.78}),
    ("llama-3.1-70b", INT8, A100, {1: 18.04}),
    ("llama-3.1-405b", INT8, A100, {8: 15.60}),
    ("mixtral-8x7b", BF16, A100, {2: 96.67, 4: 155.35, 8: 227.82}),
    ("mixtral-8x7b", INT8, A100, {1: 97.92, 2: 155.03, 4: 216.87, 8: 279.35}),
    ("llama-2-7b", BF16, GCD, {1: 76.33}),
    ("llama-2-7b", INT8, GCD, {1: 101.86}),
]

FREE = "prompts free, no context"
INFERSIM = "InferSim README"
DAY_6 = "DeepSeek open-infra-index, day 6"
SGLANG = "SGLang, lmsys blog 2025-05-05"
LLAMA_CPP = "llama.cpp, discussion 4167"
PAGES = "llama.cpp benchmark pages"
MLPERF = "MLPerf v5.1, second hand"
AZURE = "Azure ND GB200 v6, 4399253"
# Parts that machines.toml lacks, by their makers' peaks and bandwidths; the last two only decode, which memory bounds.
M2_60 = "name=m2-ultra-60c,fp16=21.5e12,vector=21.5e12,bandwidth=800e9,memory=192GiB"
XT = "name=rx-7900xt,fp16=103e12,vector=51.6e12,bandwidth=800e9,memory=20GiB"
DDR5 = "name=i9-13900k-ddr5-6400,peak=2.3e12,vector=2.3e12,bandwidth=102.4e9,memory=128GiB"

SERVED = [
    # InferSim, and DeepSeek's profile-data: EP32 with 16K tokens of 4K prompts a GPU, EP128 with 128 queries a GPU
    Measured(INFERSIM, "deepseek-v3", "h800", 32, 7839 * 32, 4096, 0, 128, told="experts balanced"),
    Measured(INFERSIM, "deepseek-v3", "h800", 128, 2324 * 128, 1, 4096, 16384, told="experts balanced"),
    Measured(INFERSIM, "qwen3-30b-a3b", "h20", 4, 16594 * 4, 4096, 0, 16, BF16, any_batch=True),
    Measured(INFERSIM, "qwen3-30b-a3b", "h20", 4, 2749 * 4, 1, 4096, 400, BF16, told="context: the prompt"),
    Measured(INFERSIM, "qwen3-8b", "h20", 1, 15061, 4096, 0, 4, FP8, any_batch=True, told="prompts of 4096"),
    Measured(INFERSIM, "qwen3-8b", "h20", 1, 2682, 1, 0, 1024, FP8, any_batch=True, told="no context"),
    # of 73.7k tokens/s and node 56.3 % hit the cache; 4 and 18 nodes; 20 to 22 tokens/s and user, 4989 tokens cached
    Measured(
        DAY_6,
        "deepseek-v3",
        "h800",
        32,
        73.7e3 * 0.437 * 4,
        1,
        0,
        16384,
        logits="none",
        any_batch=True,
        told="cache hits are free, no context",
    ),
    Measured(
        DAY_6,
        "deepseek-v3",
        "h800",
        144,
        14.8e3 * 18,
        1,
        4989,
        14800 * 18 // 20,
        told="one token a query and step, no speculation",
    ),
    # prompts of 2000 tokens; prefill on 4 nodes, decode on 9
    Measured(SGLANG, "deepseek-v3", "h100-sxm", 32, 52.3e3 * 4, 2000, 0, 256, any_batch=True),
    Measured(SGLANG, "deepseek-v3", "h100-sxm", 72, 22.3e3 * 9, 1, 2000, 512 * 72, any_batch=True),
    # output tokens only: their prompts, context and batch are left out
    Measured(MLPERF, "llama-2-70b", "b200", 8, 103e3, 1, 0, 8192, FP4, any_batch=True, told=FREE),
    Measured(MLPERF, "llama-3.1-8b", "b200", 8, 147e3, 1, 0, 8192, FP4, any_batch=True, told=FREE),
    Measured(MLPERF, "deepseek-r1", "gb300", 72, 420e3, 1, 0, 65536, FP4, any_batch=True, told=FREE),
    Measured(MLPERF, "llama-3.1-405b", "gb300", 72, 16e3, 1, 0, 8192, FP4, any_batch=True, told=FREE),
    Measured(AZURE, "llama-2-70b", "gb200", 72, 865e3, 1, 0, 8192, FP4, any_batch=True, told=FREE),
    # Q4_0 has groups of 32, Q4_K_M more bits still: int4 bounds both
    Measured(LLAMA_CPP, "llama-2-7b", "m2-ultra", 1, 1238.48, 512, formats=INT4),
    Measured(LLAMA_CPP, "llama-2-7b", "m2-ultra", 1, 94.27, formats=INT4),
    Measured(LLAMA_CPP, "llama-2-7b", M2_60, 1, 1013.81, 512, formats=INT4),
    Measured(LLAMA_CPP, "llama-2-7b", M2_60, 1, 88.64, formats=INT4),
    Measured(PAGES, "llama-2-7b", XT, 1, 96.6, formats=INT4),
    Measured(PAGES, "llama-3.1-8b", "m4-pro", 1, 224.81, 512, formats=INT4_FP16, told="an M4 of unknown kind"),
    Measured(PAGES, "llama-3.1-8b", "m4-pro", 1, 20.87, formats=INT4_FP16, told="an M4 of unknown kind"),
    Measured(PAGES, "llama-2-7b", DDR5, 1, 18.27, formats=INT4),
]

MEASURED = [
    *(
        Measured("gpt-fast README", model, on, count, rate, formats=formats, in_turn=True, told="no context")
        for model, formats, on, rates in GPT_FAST
        for count, rate in rates.items()
    ),
    *SERVED,
]

# Matmuls and attention as fast as they have been seen: (source, machine, format, TFLOP/s).
MAMF = "ml-engineering, maximum achievable matmul FLOPS"
ACHIEVED = [
    *(
        (MAMF, name, "bf16", x)
        for name, x in {
            "gaudi2": 418.7,
            "a100-sxm-80gb": 271.2,
            "a100-pcie-80gb": 252.9,
            "gh200-96gb": 828.6,
            "h100-sxm": 794.5,
            "b300": 1769,
            "b200": 1745,
            "gaudi3": 1243,
            "gb200": 1822,
            "mi355x": 1565,
            "mi325x": 784.9,
            "mi300x": 668.4,
        }.items()
    ),
    *(
        (MAMF, name, "fp8", x)
        for name, x in {
            "gaudi2": 826.5,
            "gh200-96gb": 1535,
            "gaudi3": 1289.5,
            "b200": 3432.5,
            "b300": 3353.3,
            "h200-sxm": 1453.4,
            "gb200": 3615.6,
            "h100-sxm": 1402.6,
        }.items()
    ),
    (AZURE, "gb200", "fp8", 2744),
    ("FlashMLA README, decode", "h800-sxm", "bf16", 660),
    ("FlashMLA README, sparse decode", "h800-sxm", "bf16", 410),
    ("FlashMLA README, sparse prefill", "h800-sxm", "bf16", 640),
    ("FlashMLA README, forward", "b200", "bf16", 1460),
    ("FlashMLA README, backward", "b200", "bf16", 1000),
    ("DeepGEMM README", "h800-sxm", "fp8", 1550),
    ("FlashAttention-3, arXiv:2407.08608", "h100-sxm", "fp16", 740),
    ("FlashAttention-2, training", "a100-sxm-80gb", "bf16", 225),
]

# Kernels that memory bounds: (source, machine, GB/s).
MOVED = [("FlashMLA README, decode", "h800-sxm", 3000), (AZURE, "gb200", 7350)]

# What is published and not in the tables above, and why.
LEFT_OUT = {
    "gpt-fast, speculative sampling": "two models take turns; the acceptance rate is not told",
    "training (Megatron-LM, Llama 3, LaMDA, nanoGPT)": "told as a part of the peak, of steps with a backward pass",
    "collectives (NCCL, scaling book)": "of links, and no step sends anything here",
    "aiconfigurator": "told as parts of the same peaks; its kernels are no whole steps",
    "DGX Spark at 60 TFLOP/s": "no source, from memory",
}
