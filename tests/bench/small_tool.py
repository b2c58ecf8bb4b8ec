"""A small numeric tool of the kind that users have: argparse, json, tabulate and arithmetic on a llama config.json.

A stand-in to be timed beside symroof; what it prints is Transformer Roofline Analyzer's arithmetic, which
`symroof report --rules transformer-roofline-analyzer` gives too (speed.py compares both before it times them).
"""

import argparse
import json
from pathlib import Path

from tabulate import tabulate


def operators(c: dict, new: int, cached: int) -> dict[str, tuple[int, int, int, int]]:
    """FLOP, and elements of weights, inputs and outputs of each operator of one layer."""
    d, f, heads, kv = (c[x] for x in ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads"))
    h = d // heads
    pairs = new * (cached + new)
    norm = new * (4 * d + 2), d + 1, new * d, new * d
    residual = new * d, 0, 2 * new * d, new * d

    def linear(rows: int, columns: int) -> tuple[int, int, int, int]:
        return new * columns * (2 * rows - 1), rows * columns, new * rows, new * columns

    return {
        "attention/norm": norm,
        "attention/qkv": linear(d, (heads + 2 * kv) * h),
        "attention/rope": (3 * new * (heads + kv) * h, 0, new * (heads + kv) * h, new * (heads + kv) * h),
        "attention/attend": (
            pairs * (2 * heads * h - 1) + kv * h * (2 * pairs - new),
            0,
            new * (heads + 2 * kv) * h + 2 * cached * kv * h,
            new * heads * h,
        ),
        "attention/out": linear(heads * h, d),
        "attention/residual": residual,
        "mlp/norm": norm,
        "mlp/gate_up": linear(d, 2 * f),
        "mlp/act": (5 * f + new, 0, 2 * new * f, new * f),
        "mlp/down": linear(f, d),
        "mlp/residual": residual,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--cached-tokens", type=int, default=0)
    parser.add_argument("--input-tokens", type=int, default=1)
    given = parser.parse_args()
    config = json.loads(given.config.read_text())
    layers, width = config["num_hidden_layers"], 2
    found = operators(config, given.input_tokens, given.cached_tokens)
    rows = [
        [name, flops, w * width, i * width, o * width, flops / (w + i + o) / width]
        for name, (flops, w, i, o) in found.items()
    ]
    sums = [layers * sum(column) for column in list(zip(*rows, strict=True))[1:5]]
    rows.append(["total", *sums, sums[0] / sum(sums[1:])])
    heads = ["Node", "Compute (FLOP)", "Bandwidth (weight)", "Bandwidth (input)", "Bandwidth (output)", "FLOP/B"]
    print(tabulate(rows, headers=heads, floatfmt=".3f"))


if __name__ == "__main__":
    main()
