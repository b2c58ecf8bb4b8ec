"""Make `examples/formulas.md`, the closed forms of each lineage of architectures: `python tests/gallery.py`."""

import re
from pathlib import Path

import symroof
from symroof.export.forms import render_formulas
from symroof.export.functions import unbound_functions

PATH = Path(__file__).parent.parent / "examples" / "formulas.md"
QUANTITIES = ("parameters", "matmul_flops", "weight_bytes", "cache_size")
INTRODUCTION = """# Formulas of transformer language models

Parameters, FLOP of matmuls, weights that a step reads, and cache, of one model of each lineage of architectures:
closed forms in the sizes of its `config.json`. All other models of a lineage have the same formulas with other sizes.

A step computes $T$ new tokens, which attend over $P$ query-key pairs, for $R$ positions of logits, and leaves $K$
tokens in the cache; what a query of $n$ new and $c$ cached tokens adds to each is said below the formulas.
`symroof formula MODEL` prints these and the other quantities of any model, in numbers too.

Made by `tests/gallery.py`; the tests make it again and compare.
"""
LINEAGES = {
    "Dense, full attention": {
        "gpt2": ("GPT-2", "Multi-head attention, learned positions, a network of two matrices, biases everywhere."),
        "gpt-neox-20b": ("GPT-NeoX, Pythia", "Attention and network side by side; a part of each head is rotated."),
        "opt-1.3b": ("OPT", "Multi-head attention, learned positions, ReLU."),
        "bloom-176b": ("BLOOM", "Biases by distance (ALiBi) in place of positions; a norm after the embedding."),
        "falcon-7b": ("Falcon", "One key/value head for all query heads (multi-query attention)."),
        "mpt-7b": ("MPT", "ALiBi, no biases, projections in one matrix."),
        "llama-3.1-8b": ("Llama 2, 3", "Grouped-query attention, rotary positions, a gated network, RMS norms."),
        "qwen2.5-7b": ("Qwen2, Qwen2.5", "Llama with biases on queries, keys and values."),
        "qwen3-8b": ("Qwen3", "Queries and keys are normalised per head."),
        "chatglm3-6b": ("ChatGLM, GLM-4", "Grouped queries with biases; half of each head is rotated."),
        "granite-3.1-8b": ("Granite 3", "Llama with constant scales of embedding, residual and logits."),
        "olmo-2-13b": ("OLMo 2", "Norms after attention and network, and of whole queries and keys."),
        "nemotron-4-340b": ("Nemotron-4", "A network of two matrices with squared ReLU."),
        "minicpm-2b": ("MiniCPM", "Scaled embedding, residual and logits; a tied head."),
        "bitnet-2b-4t": ("BitNet b1.58", "Squared ReLU in a gated network; norms inside; ternary weights."),
    },
    "Windows and chunks": {
        "mistral-7b-v0.1": ("Mistral", "Every layer sees a window of $w$ tokens."),
        "gemma-2-27b": ("Gemma 2", "Windows in every second layer, norms on both sides, softcapped scores and logits."),
        "gemma-3-12b": ("Gemma 3", "Five layers with a window for each that sees everything."),
        "gemma-3n-e4b": ("Gemma 3n", "Several residual streams, inputs per layer, keys borrowed from layers below."),
        "gpt-oss-120b": ("gpt-oss", "Every second layer has a window; sinks; experts with biases."),
        "llama-4-scout": ("Llama 4", "Chunks of $w$ tokens in three of four layers; one expert and a shared one."),
        "phi-4-mini": ("Phi-3, Phi-4-mini", "One matrix for queries, keys and values; a partly rotated head."),
    },
    "Experts": {
        "mixtral-8x22b": ("Mixtral", "Two of eight experts for each token."),
        "dbrx": ("DBRX", "Four of sixteen experts; clipped queries, keys and values."),
        "grok-1": ("Grok-1", "Two of eight experts; softcapped scores; norms on both sides."),
        "qwen3-235b-a22b": ("Qwen3-MoE", "Eight of 128 experts, none shared."),
        "olmoe-1b-7b": ("OLMoE", "Eight of 64 experts."),
        "deepseek-moe-16b": ("DeepSeekMoE", "Many small experts and shared ones; the first layers dense."),
        "glm-4.5": ("GLM-4.5", "Sigmoid routing with corrections; a shared expert."),
        "minimax-m2.5": ("MiniMax-M2", "Eight of 256 experts, full attention, normalised queries and keys."),
    },
    "Latent attention": {
        "deepseek-v2": ("DeepSeek-V2", "Keys and values of all heads from one latent of $r_{kv}$ elements per token."),
        "deepseek-v3": ("DeepSeek-V3, R1, Kimi-K2", "Latent attention with eight of 256 experts."),
        "minicpm3-4b": ("MiniCPM3", "Latent attention in a dense model."),
        "longcat-flash": ("LongCat", "Two latent attentions and networks in each layer; experts that do nothing."),
    },
    "Selected and compressed keys": {
        "deepseek-v3.2": ("DeepSeek-V3.2", "An indexer selects $k_i$ keys for each token (DSA)."),
        "glm-5.2": ("GLM-5", "DSA, its selection shared by several layers."),
        "minimax-m3": ("MiniMax-M3", "Blocks of keys are selected."),
        "deepseek-v4-flash": ("DeepSeek-V4", "Compressed entries, all or selected ones, and a window."),
    },
    "Linear attention, state spaces, hybrids": {
        "mamba-1.4b": ("Mamba", "A selective state space in place of attention and network."),
        "mamba-codestral-7b": ("Mamba-2", "State spaces of heads."),
        "rwkv-5-world-3b": ("RWKV-5", "Mixing of times and of channels."),
        "xlstm-7b": ("xLSTM", "Memories of matrices."),
        "jamba-1.5-large": ("Jamba", "One layer with attention for seven with Mamba; experts in every second layer."),
        "nemotron-h-56b": ("Nemotron-H", "Mamba-2, attention and networks as layers of their own."),
        "minimax-m1-80k": ("MiniMax-M1", "Lightning attention, every eighth layer with softmax."),
        "qwen3-next-80b-a3b": ("Qwen3-Next", "Gated delta rule in three of four layers; ten of 512 experts."),
        "kimi-linear-48b-a3b": ("Kimi-Linear", "Gated delta rule with channels, every fourth layer latent attention."),
        "lfm2-350m": ("LFM2", "Short convolutions and a few layers with attention."),
        "zamba-7b": ("Zamba", "Mamba with one block of attention that many layers share."),
    },
}


def gallery():
    """The text of the file."""
    contents = (f"- **{chapter}**: {', '.join(map(link, models.values()))}" for chapter, models in LINEAGES.items())
    return "\n".join([INTRODUCTION, *contents, "", *(text for x in LINEAGES.items() for text in chapter_of(*x))])


def link(entry):
    """A link to the section of a lineage."""
    anchor = re.sub(r"[^\w\- ]", "", entry[0].lower()).replace(" ", "-")
    return f"[{entry[0]}](#{anchor})"


def chapter_of(title, models):
    """A chapter's title and its sections."""
    return [f"## {title}\n", *(section_of(name, *entry) for name, entry in models.items())]


def section_of(name, title, sentence):
    """A lineage: what it is, its formulas."""
    model = symroof.load(name)
    body = render_formulas(unbound_functions(model, QUANTITIES), "markdown", 0, False)
    formulas = re.sub(r"^#", "###", body.split("\n", 1)[1].strip("\n"), flags=re.MULTILINE)
    return f"### {title}\n\n{sentence} Here {name}.\n\n{formulas}\n"


if __name__ == "__main__":
    PATH.write_text(gallery())
