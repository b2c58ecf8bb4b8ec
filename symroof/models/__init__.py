"""The families: model_type -> the function that reads its config."""

from symroof.architecture import Architecture
from symroof.config import Config
from symroof.errors import shorten, suggestion
from symroof.models import (
    afmoe,
    cohere,
    deepseek,
    deepseek_v4,
    dense,
    diffllama,
    doge,
    dsa,
    ernie_moe,
    falcon,
    flint,
    gemma,
    gemma_n,
    glm,
    glm_moe,
    glm_next,
    gpt,
    granite,
    granite_moe,
    griffin,
    hrm,
    hybrid,
    inkling,
    jetmoe,
    kimi,
    laguna,
    lfm,
    llama,
    llama4,
    longcat,
    mamba,
    mimo_moe,
    minimax,
    mistral,
    mixtral,
    modernbert,
    moshi,
    mtp,
    nemotron,
    nemotron_nas,
    olmo,
    opt,
    phi,
    qwen,
    qwen_exp,
    qwen_moe,
    qwen_next,
    rwkv,
    texts,
    wrappers,
    xlstm,
    zamba,
    zaya,
)
from symroof.models.reading import Reader
from symroof.models.refused import REFUSED

LINEAGES = (
    llama,
    llama4,
    mamba,
    hybrid,
    nemotron,
    zamba,
    qwen_next,
    deepseek,
    dsa,
    deepseek_v4,
    longcat,
    mixtral,
    qwen_moe,
    griffin,
    lfm,
    minimax,
    kimi,
    glm_moe,
    granite_moe,
    ernie_moe,
    gpt,
    falcon,
    opt,
    laguna,
    mimo_moe,
    afmoe,
    mistral,
    qwen,
    gemma,
    gemma_n,
    texts,
    phi,
    granite,
    olmo,
    cohere,
    glm,
    dense,
    diffllama,
    modernbert,
    flint,
    nemotron_nas,
    jetmoe,
    rwkv,
    xlstm,
    inkling,
    doge,
    moshi,
    hrm,
    qwen_exp,
    zaya,
    glm_next,
)
TEXTS: dict[str, Reader] = {name: reader for lineage in LINEAGES for name, reader in lineage.FAMILIES.items()}
FAMILIES: dict[str, Reader] = {**TEXTS, **wrappers.families(TEXTS)}

# Of configs that were published without a model_type: the class they name instead.
NAMELESS = {"MiniCPM3ForCausalLM": "minicpm3"}


def nameless(config: Config) -> str:
    """The family that a config's architectures stand for; empty where they do not."""
    return next((NAMELESS[x] for x in config.listed("architectures") if isinstance(x, str) and x in NAMELESS), "")


def read(config: Config, further: bool = False) -> Architecture:
    """The architecture a config describes, with layers that predict `further` ahead or without.

    Raises ConfigError for an unknown model_type, UsageError where there are no such layers or nobody knows them.
    """
    found = described(config)
    return mtp.extended(config, found) if further else found


def described(config: Config) -> Architecture:
    """The architecture that the family's reader finds."""
    family = config.text("model_type") or nameless(config)
    if family in FAMILIES:
        architecture = FAMILIES[family](config)
        if fault := architecture.contradiction():
            raise config.fail(fault)
        return architecture
    if reason := REFUSED.get(family):
        raise config.fail(f"model_type {family!r} is not covered: {reason}")
    listed = f"`symroof families` lists the {len(FAMILIES)} known ones"
    if not family:
        raise config.fail(f"key 'model_type' is missing: add it; {listed}")
    near = suggestion(family, FAMILIES)
    cure = f"; did you mean {near!r}?" if near else ""
    raise config.fail(f"unknown model_type {shorten(family)!r}{cure} ({listed})")
