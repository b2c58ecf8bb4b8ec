"""The names of the counting rules, their meanings and sources; plain data, no sympy."""

from collections.abc import Iterable

from symroof.errors import UnknownName, UsageError
from symroof.records import frozen


@frozen
class Rule:
    """A named set of rules (`base`), or a variant that changes one choice of a set."""

    meaning: str
    source: str
    base: bool = False
    tool: tuple[str, ...] = ()  # the families of another tool whose figures are reproduced; such rules take no variants


ANALYZER = "transformer-roofline-analyzer"
LLM_VIEWER = "llm-viewer"

RULEBOOK = {
    "standard": Rule(
        "what a serving engine executes: 2k FLOP per dot product, causal pairs exactly, the experts a batch "
        "touches in expectation, logits on the last position of each query",
        "README, 'What is counted'",
        base=True,
    ),
    "transformers": Rule(
        "what the transformers implementation executes and PyTorch's counter counts: matmuls only, full "
        "squares, logits on all positions, every expert of llama4, windows that keep w - 1 cached tokens",
        "measured on transformers 5.23.0 with torch 2.13.0",
        base=True,
    ),
    ANALYZER: Rule(
        "the figures of Transformer Roofline Analyzer, to the last FLOP and byte (llama and llama4)",
        "github.com/Jench2103/transformer-roofline-analyzer; departures: report --against",
        base=True,
        tool=("llama", "llama4"),
    ),
    LLM_VIEWER: Rule(
        "the figures of LLM-Viewer as its paper prints them (llama): full squares, scores written and read, "
        "5 operations per score for the softmax, 7 per element for a norm",
        "arXiv:2402.16363, Table 1; departures: report --against",
        base=True,
        tool=("llama",),
    ),
    "exact-dots": Rule("a dot product of length k is 2k - 1 FLOP", "k products and k - 1 additions"),
    "full-square": Rule(
        "attention works on all tokens, masked or not: every pair computed, every key read and cached",
        "kernels without block skipping; PaLM and Megatron count so",
    ),
    "logits-last": Rule("the head runs on the last position of each query", "serving engines"),
    "logits-all": Rule("the head runs on all new positions", "training, scoring, prompt log-probabilities"),
    "logits-none": Rule("the head does not run", "a prefill chunk that is not the last"),
    "experts-expected": Rule("a step reads N_e (1 - (1 - k/N_e)^T) experts", "uniform random routing"),
    "experts-bound": Rule("a step reads min(N_e, k T) experts", "upper bound: no two tokens share one"),
    "experts-k": Rule("a step reads k experts", "lower bound: all tokens share theirs"),
    "experts-all": Rule("a step reads all N_e experts", "upper bound of a large batch"),
    "latent-absorbed": Rule(
        "latent attention (MLA) stays in the latent: queries are projected into it, values out of it",
        "decode kernels of serving engines; DeepSeek-V2, section 2.1.2",
    ),
    "latent-expanded": Rule(
        "latent attention (MLA) expands the keys and values of all cached and new tokens",
        "prefill kernels; transformers",
    ),
    "matmul-only": Rule("elementwise operations are not counted", "PyTorch's FlopCounterMode"),
    "fused": Rule(
        "elementwise operators work on what their neighbours hold: their activations never reach memory",
        "fused kernels of serving engines and compilers",
    ),
}


def select_rules(names: str | Iterable[str]) -> tuple[str, ...]:
    """The selected rules, a base first: `standard` unless one is named; names are given one by one or comma-separated.

    Raises UnknownName, or UsageError for two bases, or for a variant of a tool's rules.
    """
    chosen = _rule_names((names,) if isinstance(names, str) else names)
    bases = [x for x in chosen if RULEBOOK[x].base] or ["standard"]
    variants = [x for x in chosen if not RULEBOOK[x].base]
    if len(bases) > 1:
        raise UsageError(f"rules {' and '.join(bases)} are both whole sets: name one")
    if variants and RULEBOOK[bases[0]].tool:
        raise UsageError(f"rules {bases[0]} reproduce that tool as it is: drop {', '.join(variants)}")
    return (*bases, *variants)


def _rule_names(texts: Iterable[str]) -> list[str]:
    """Each rule named in comma-separated texts, once. Raises UnknownName."""
    names = dict.fromkeys(x.strip().lower() for text in texts for x in text.split(",") if x.strip())
    for name in names:
        if name not in RULEBOOK:
            raise UnknownName("rule", name, RULEBOOK)
    return list(names)


def unquantised_tool(names: tuple[str, ...]) -> str | None:
    """The tool that the rules reproduce, if it reads no quantization_config; None for others."""
    return ANALYZER if names[0] == ANALYZER else None
