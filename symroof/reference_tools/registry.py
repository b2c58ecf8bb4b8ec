"""Other tools whose figures are reproduced, each by a separate graph under a set of rules that bears its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symroof.architecture.structure import Structure
from symroof.cost.graph import Block
from symroof.cost.rule_names import ANALYZER, LLM_VIEWER
from symroof.reference_tools import llm_viewer, transformer_roofline_analyzer


@dataclass(frozen=True)
class Tool:
    """Its graph of a structure, its departures from our graph, and those of an operator."""

    graph: Callable[[Structure], Block]
    departures: Mapping[str, str]
    reasons: Callable[[Structure, str], tuple[str, ...]]


TOOLS = {
    ANALYZER: Tool(
        transformer_roofline_analyzer.analyzer_graph,
        transformer_roofline_analyzer.DEPARTURES,
        transformer_roofline_analyzer.analyzer_departures,
    ),
    LLM_VIEWER: Tool(llm_viewer.llm_viewer_graph, llm_viewer.DEPARTURES, llm_viewer.llm_viewer_departures),
}


def tool_of_rules(rules: tuple[str, ...]) -> str:
    """The tool that these rules are named after, a base first; empty where they are ours."""
    return rules[0] if rules[0] in TOOLS else ""


def departures(rules: tuple[str, ...], structure: Structure, path: str) -> tuple[str, ...]:
    """How the tool of these rules counts the operator at `path` differently; none where they are ours."""
    name = tool_of_rules(rules)
    return tuple(f"{name} {TOOLS[name].departures[x]}" for x in TOOLS[name].reasons(structure, path)) if name else ()
