"""Measure what matmuls, weights and caches cannot see: the elementwise operations of the real transformers models.

    python tests/truth/measure_facts.py MEASURED.jsonl.gz

Run by hand, in an environment with `pip install torch==2.13.0 transformers==5.23.0`. The input is that of condense.py.
The smallest variant of each type there runs a prompt of 37 tokens (random weights; on the meta device where they are
many), and all operations that torch dispatches are sorted into the facts of tests/truth/facts.json.
"""

import gzip
import json
import re
import sys
import warnings
from collections import Counter, defaultdict
from math import prod
from pathlib import Path

import torch
import transformers
from condense import TOWERS
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoConfig, masking_utils

TARGET = Path(__file__).parent / "facts.json"
TOKENS = 37
LARGEST = 3 * 10**8  # weights beside towers that are made
ORDER = (("causal", "v1"), ("causal", "default"), ("vl", "v1"), ("vl", "default"))
LAYER = re.compile(r"\.\d+(?=\.|$)")


class Trace(TorchDispatchMode):
    """Counts (operation, module, its class, shape, other operands) of all that a model computes in floats."""

    def __init__(self, model):
        super().__init__()
        self.stack, self.seen = [("", "")], Counter()
        for name, module in model.named_modules():
            at = (LAYER.sub(".#", name), type(module).__name__)
            module.register_forward_pre_hook(lambda *_, at=at: self.stack.append(at))
            module.register_forward_hook(lambda *_: self.stack.pop() and None, always_call=True)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        first = out[0] if isinstance(out, list | tuple) and out else out
        if torch.is_tensor(first) and (first.is_floating_point() or first.is_complex()):
            name, others = func.overloadpacket.__name__.rstrip("_"), [*args, *(kwargs or {}).values()]
            told = tuple(operand(x) for x in others)
            kind = "complex" if first.is_complex() else ""
            self.seen[name, *self.stack[-1], tuple(first.shape), told, kind] += 1
            if (shown := pairs(name, first, args)) is not None:
                self.seen["shown", *self.stack[-1], (shown,), (), ""] += 1
        return out


def operand(x):
    """The shape of a tensor, a number, or the name of anything else."""
    return tuple(x.shape) if torch.is_tensor(x) else x if isinstance(x, int | float) else str(x)


def pairs(name, scores, args):
    """Scores that a mask leaves, where this is its application."""
    if (
        name not in ("add", "masked_fill")
        or tuple(scores.shape[-2:]) != (TOKENS, TOKENS)
        or scores.device.type != "cpu"
    ):
        return None
    mask = args[1]
    if scores.dim() != 4 or not torch.is_tensor(mask) or tuple(mask.shape[-2:]) != (TOKENS, TOKENS):
        return None
    hidden = mask if name == "masked_fill" else mask < -1e9
    if mask.shape == scores.shape or (name == "add" and not bool(((mask == 0) | hidden).all())):
        return None
    return int((~hidden).sum()) * scores.numel() // hidden.numel()


def facts(seen, config):
    """What is made of the operations, all layers and tokens together."""
    text = config.get_text_config()
    found = defaultdict(int)
    clamped = {(path, cls) for name, path, cls, *_ in seen if name == "clamp"}
    centred = {
        (path, cls)
        for name, path, cls, shape, told, _ in seen
        if name == "sub" and isinstance(told[1], tuple) and told[1][-1:] == (1,)
    }
    powers = {(path, cls) for name, path, cls, *_ in seen if name == "pow"}
    for (name, path, cls, shape, told, kind), times in seen.items():
        n, inside = times * prod(shape), "#" in path
        other = told[1] if len(told) > 1 else None
        alone, same = (isinstance(other, int | float) and other != 1) or other in ((), (1,)), told[:2] == (shape, shape)
        stream = shape in ((1, TOKENS, text.hidden_size), (TOKENS, text.hidden_size))
        attention = re.search("attn|attention", (path + cls).lower()) and not re.search("Delta|Lightning|Linear", cls)
        router = "rout" in cls.lower() or ("gate" in path.rpartition(".")[2] and "topk" in cls.lower())
        if name == "shown":
            found["pairs"] += n
        elif name == "native_layer_norm":
            found["layer"] += n // shape[-1]
        elif name == "pow" and not inside and isinstance(other, tuple) and shape and "Rotary" not in cls:
            found["slopes"] = text.num_hidden_layers  # powers of two to whole vectors: made once for all layers
        elif name == "rsqrt" or (name == "pow" and other == -0.5):
            found["layer" if (path, cls) in centred else "rms"] += n
        elif name == "silu":
            found["silu"] += n
        elif name == "gelu":
            found["gelu_tanh" if "tanh" in told else "gelu"] += n
        elif name == "tanh":
            found["gelu_tanh" if "gelu" in cls.lower() else "tanh"] += n
        elif name == "relu" and "Index" not in cls:
            found["relu2" if (path, cls) in powers else "relu"] += n
        elif name == "expm1":
            found["xielu"] += n
        elif name == "softplus" and attention:
            found["softplus"] += n
        elif name == "sigmoid" and not router:
            found["silu_clamped" if (path, cls) in clamped else "sigmoid"] += n
        elif (
            (name == "neg" and attention and len(shape) > 2)
            or (name == "mul" and kind == "complex" and attention)
            or (name == "sub" and same and attention and len(shape) > 2)
        ):
            found["rotated"] += 2 * n
        elif name == "clamp" and attention:
            found["clamped"] += n
        elif name == "clamp" and re.search("MLP|Expert", cls):
            found["limited"] += n
        elif name in ("log", "log1p") and (attention or "Scaling" in cls):
            found["tempered"] += times
        elif name in ("mul", "div") and alone and stream:
            if not inside or (cls.endswith(("Layer", "Block")) and "Moe" not in cls and "MoE" not in cls):
                found["scaled" if inside else "embedding_scaled"] += n
        elif name == "mul" and other == 2 and "Delta" in cls:
            found["doubled"] += n
        elif name in ("mul", "div") and alone and shape[-1] == text.vocab_size:
            found["logits_scaled"] += n
        elif name == "add" and same and stream:
            found["added"] += n
    return {key: n for key, n in sorted(found.items()) if n}


def built(line):
    """A model of a measured type."""
    cls = getattr(transformers, line["cls"])
    config = AutoConfig.for_model(**line["config"]) if line["kind"] == "causal" else None
    if type(config) is not cls.config_class:
        wraps = (
            config is not None and "text_config" in cls.config_class.sub_configs and "text_config" not in line["config"]
        )
        config = cls.config_class(text_config=config) if wraps else cls.config_class.from_dict(dict(line["config"]))
    with torch.device("meta"):
        model = cls._from_config(
            config, dtype=torch.float32, attn_implementation="eager", experts_implementation="batched_mm"
        ).eval()
    return made(model), config


def made(model):
    """The model with random weights, but for its towers, and zeros for what it derives from its config."""
    if sum(x.numel() for name, x in model.named_parameters() if not tower(name)) > LARGEST:
        return model
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for name, x in model.named_parameters():
            if not tower(name):
                x.normal_(0, 0.02)
        for name, x in model.named_buffers():
            if not tower(name):
                x.zero_()
    return model


def tower(name):
    """Whether a weight lies outside the language model."""
    return any(part.startswith(TOWERS) for part in name.replace("_model", "").split("."))


def measure(line):
    """The facts of one type."""
    model, config = built(line)
    device = "meta" if "meta" in {p.device.type for name, p in model.named_parameters() if not tower(name)} else "cpu"
    if line["cls"].startswith(("Blip2", "InstructBlip")):
        model = model.language_model
    with torch.no_grad(), Trace(model) as trace:
        model(input_ids=torch.ones(1, TOKENS, dtype=torch.long, device=device))
    hashed = sum("hash" in type(x).__name__.lower() and "rout" in type(x).__name__.lower() for x in model.modules())
    return facts(trace.seen, config) | ({"hashed": hashed} if hashed else {})


def smallest(lines):
    """The variant of each type that is measured."""
    found = {}
    for line in lines:
        if line["workload"]["kind"] == "params":
            found.setdefault((line["model_type"], (line["kind"], line["variant"])), line)
    for key in ORDER:
        for (name, variant), line in found.items():
            if variant == key and not any((name, earlier) in found for earlier in ORDER[: ORDER.index(key)]):
                yield name, line


def main(source, only):
    """Facts of all types that run."""
    known = {}
    with gzip.open(source, "rt") as file:
        for name, line in smallest(map(json.loads, file)):
            if only and name not in only:
                continue
            try:
                known[name] = measure(line)
            except Exception as error:
                print(f"{name}: is not measured: {error!r:.150}", file=sys.stderr)
    return known


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    masking_utils.find_packed_sequence_indices = lambda *args, **kwargs: None
    known = main(sys.argv[1], set(sys.argv[2:]))
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(x)}" for name, x in sorted(known.items()))
    (TARGET if len(sys.argv) < 3 else Path("/tmp/facts_some.json")).write_text("{\n" + text + "\n}\n")
