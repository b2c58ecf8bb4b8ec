"""The notebooks: run again they show what is committed; each asks, answers and shows in one manner."""

import ast
from copy import deepcopy

import notebooks
import pytest

import symroof

PUBLIC = ("symroof", "symroof.symbols", "symroof.ops", "symroof.families.reading", "symroof.parallel", "symroof.plots")
LARGEST, LARGEST_PICTURE = 300_000, 60_000  # bytes
LONGEST_CHECK = 20  # lines: GitHub shows them
every_notebook = pytest.mark.parametrize("path", notebooks.PATHS, ids=lambda path: path.stem)
pytest.importorskip("nbformat")


def test_there_are_notebooks():
    assert notebooks.PATHS


@every_notebook
@pytest.mark.filterwarnings("ignore")  # what the notebook machinery of others warns of is not ours
def test_notebook_shows_what_it_computes(path):
    pytest.importorskip("nbclient")
    before, after = (notebooks.code_cells(x) for x in (notebooks.read(path), notebooks.run(path)))
    for one, other in zip(before, after, strict=True):
        shown = [notebooks.shown(x) for x in (one, other)]
        assert notebooks.same(*shown), f"run python tests/notebooks.py {path.stem[:2]}, and read what changed"


def test_a_figure_that_changed_is_seen():
    cells = [x for x in notebooks.code_cells(notebooks.read(notebooks.PATHS[0])) if x.outputs]
    for cell in cells:
        before = notebooks.shown(deepcopy(cell))
        assert notebooks.same(before, notebooks.shown(cell))
        for output in cell.outputs:
            if "image/png" in output.get("data", ()):
                output.metadata["image/png"]["data"][0][0][1][2] *= 1.001
            else:
                output.data["text/plain"] = output.data["text/plain"].replace("1", "2") + " "
        assert not notebooks.same(before, notebooks.shown(cell)), cell.source


@every_notebook
def test_notebook_opens_with_a_question_and_its_answer(path):
    title, question, answer = notebooks.opening(notebooks.read(path))
    assert question.endswith("?")
    assert title
    assert answer.endswith(".")


@every_notebook
def test_checks_are_folded_and_the_story_has_none(path):
    cells = notebooks.code_cells(notebooks.read(path))
    assert sum(map(notebooks.is_check, cells)) >= 3
    for cell in cells:
        asserts = [x for x in ast.walk(ast.parse(cell.source)) if isinstance(x, ast.Assert)]
        assert bool(asserts) is notebooks.is_check(cell), cell.source
        if notebooks.is_check(cell):
            assert cell.metadata.jupyter.source_hidden
            assert not cell.outputs
            assert len(cell.source.splitlines()) <= LONGEST_CHECK, cell.source


@every_notebook
def test_results_are_tables_formulas_and_pictures(path):
    for cell in notebooks.code_cells(notebooks.read(path)):
        for output in cell.outputs:
            found = notebooks.contents(output)
            assert not {"error", "stderr"} & {output.output_type, output.get("name")}
            plain = found.get("text/plain", "")
            assert set(found) != {"text/plain"} or not plain.startswith(("{", "[", "(", "<")), plain


def modules_used(tree):
    """The modules of symroof that a notebook imports from, and those it reaches through names of the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symroof"):
            names = {f"{node.module}.{x.name}" for x in node.names}
            yield from names & {*PUBLIC} if node.module == "symroof" and names <= {*PUBLIC} else [node.module]
            assert node.module != "symroof" or all(
                x.name in symroof.__all__ or f"symroof.{x.name}" in PUBLIC for x in node.names
            )
        elif isinstance(node, ast.Import):
            yield from (x.name for x in node.names if x.name.startswith("symroof"))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "symroof":
            assert node.attr in symroof.__all__ or f"symroof.{node.attr}" in PUBLIC, node.attr


@every_notebook
def test_notebook_uses_public_names(path):
    code = "\n".join(cell.source for cell in notebooks.code_cells(notebooks.read(path)))
    for module in modules_used(ast.parse(code)):
        assert module in PUBLIC or module.startswith(("symroof.ops.", "symroof.families.reading.")), module


@every_notebook
def test_notebook_is_executed_and_small(path):
    notebook = notebooks.read(path)
    cells = notebooks.code_cells(notebook)
    assert [x.execution_count for x in cells] == [*range(1, len(cells) + 1)]
    assert path.stat().st_size < LARGEST
    for cell in cells:
        images = [notebooks.contents(x).get("image/png", "") for x in cell.outputs]
        assert all(len(x) * 3 / 4 < LARGEST_PICTURE for x in images)


def test_the_index_is_of_the_notebooks():
    assert notebooks.INDEX.read_text().endswith(notebooks.MARK + "\n" + notebooks.index())
    pictures = {x.stem: x.read_bytes() for x in (notebooks.EXAMPLES / "pictures").iterdir()}
    assert pictures == {x.stem: notebooks.picture(notebooks.read(x)) for x in notebooks.PATHS}
