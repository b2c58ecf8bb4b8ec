"""Other tools whose figures are reproduced, each by a graph of its own, under a set of rules that is named after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symroof.architecture.structure import Structure
from symroof.cost.graph import Block
from symroof.cost.rule_names import ANALYZER, LLM_VIEWER
from symroof.reference_tools import llm_viewer, transformer_roofline_analyzer


@dataclass(frozen=True)
class Tool:
    """Its graph of a structure, its departures from ours, and those that an operator has."""

    graph: Callable[[Structure], Block]
    departures: Mapping[str, str]
    reasons: Callable[[Structure, str], tuple[str, ...]]


TOOLS = {
    ANALYZER: Tool(
        transformer_roofline_analyzer.graph,
        transformer_roofline_analyzer.DEPARTURES,
        transformer_roofline_analyzer.reasons,
    ),
    LLM_VIEWER: Tool(llm_viewer.graph, llm_viewer.DEPARTURES, llm_viewer.reasons),
}


def tool(rules: tuple[str, ...]) -> str:
    """The tool whose rules these are, a base first; empty where they are ours."""
    return rules[0] if rules[0] in TOOLS else ""


def departures(rules: tuple[str, ...], structure: Structure, path: str) -> tuple[str, ...]:
    """How the tool whose rules these are counts the operator at `path` otherwise; none where they are ours."""
    name = tool(rules)
    return tuple(f"{name} {TOOLS[name].departures[x]}" for x in TOOLS[name].reasons(structure, path)) if name else ()
