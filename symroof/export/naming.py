"""The names of exported functions, the same in every language: MODEL[_OP]_QUANTITY[_on_MACHINE]."""

import re


def identifier(text: str) -> str:
    """Lower-case words joined by underscores: `llama-3.1-8b` is `llama_3_1_8b`; empty where there are none."""
    return re.sub(r"[\W_]+", "_", text.lower(), flags=re.ASCII).strip("_")


def function_name(model: str, op: str, quantity: str, machine: str = "") -> str:
    """`llama_3_1_8b_flops`, `llama_3_1_8b_mlp_down_flops`, `llama_3_1_8b_time_on_h100_sxm`.

    A name never begins with a digit: that of 01-ai/Yi-34B is `model_01_ai_yi_34b_flops`.
    """
    owner = identifier(model)
    parts = [owner if re.match("[a-z]", owner) else f"model_{owner}".strip("_"), identifier(op), quantity]
    return "_".join([*filter(None, parts), *(["on", identifier(machine)] if machine else [])])
