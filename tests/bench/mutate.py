"""Does a test notice? Small mistakes in the formulas, one at a time, and the laws, oracles and truths run on each.

This process imports what tests need but not symroof. Each mutant gets a fork of it, which imports symroof with one node
of one module's syntax tree replaced, and runs the test files that run the function it is in until a test fails. First
each file runs on symroof as it is: it has to pass, and shows which functions it runs.

python tests/bench/mutate.py --sample 300 --seed 1
"""

import argparse
import ast
import atexit
import builtins
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import hypothesis
import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
sys.path[:0] = [str(ROOT), str(TESTS)]

from mutants import Mutant, every_place, modules  # noqa: E402

PRELOADED = ("sympy", "numpy", "hypothesis.strategies", "rich.table", "click", "concurrent.futures", "fractions")
# Laws, oracles and truths; no goldens, nothing of how the screen looks.
QUICK = (
    *("operators_moe", "operators_mamba", "operators_streams", "operators_gpt", "operators_linear"),
    *("operators_latent", "operators_pooled", "operators_inkling", "operators_dense", "operators", "decoders"),
    *("kinds", "collectives", "masks", "assembly", "mtp", "anchors", "published_sizes", "llm_viewer"),
)
SLOW = ("parallelism", "truth", "laws")  # of those that are left
CHECKS = (*QUICK, *SLOW)
HANGS = "hangs"
SECONDS = 900  # of a mutant, after which it counts as rejected: it hangs
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.json")  # mutant -> why no test can tell it from what is there
OPTIONS = ("-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))
Functions = set[tuple[str, str]]  # (file, scope)
Failure = tuple[str, str, str]  # test file, test, kind of error
Trees = dict[str, ast.Module]  # file -> the tree to import in its place


# A fork: modules from trees, and tests run within it.


class Loader(SourceFileLoader):
    """A module from a syntax tree."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> Any:
        return compile(self.tree, self.path, "exec")


class Finder(MetaPathFinder):
    """Finds the modules that are imported from trees."""

    def __init__(self, trees: Trees) -> None:
        self.trees = {path.removesuffix(".py").replace("/", "."): (path, tree) for path, tree in trees.items()}

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname not in self.trees:
            return None
        file, tree = self.trees[fullname]
        return spec_from_file_location(fullname, ROOT / file, loader=Loader(fullname, str(ROOT / file), tree))


class Watch:
    """A pytest plugin that keeps the first failure: the test and the kind of its error."""

    first: tuple[str, str] | None = None

    def pytest_exception_interact(self, node: Any, call: Any) -> None:
        self.first = self.first or (node.nodeid, call.excinfo.typename)


def run_file(check: str) -> Failure | None:
    """The first failure of a test file."""
    watch = Watch()
    code = pytest.main([*OPTIONS, str(TESTS / f"test_{check}.py")], plugins=[watch])
    return (check, *watch.first) if watch.first else None if code == 0 else (check, "", f"pytest: {code}")


def first_failure(checks: Iterable[str], trees: Trees) -> Failure | None:
    """Import symroof with these modules, and run test files until one fails."""
    sys.meta_path.insert(0, Finder(trees))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return next(filter(None, map(run_file, checks)), None)


def run_unchanged(check: str, result: Connection) -> None:
    """Run a test file on symroof as it is; send its failure and the functions that it ran."""
    ran: Functions = set()
    builtins.ran = lambda *function: ran.add(function)  # type: ignore[attr-defined]
    result.send((first_failure([check], recording()), ran))


def run_mutant(mutant: Mutant, checks: list[str], result: Connection) -> None:
    """Run test files on symroof with a mistake in it; send the first failure."""
    result.send((first_failure(checks, {mutant.place.module: mutant.tree()}), set()))


def recording() -> Trees:
    """The modules, each function of which says that it runs."""
    trees = {}
    for path in modules():
        file, tree = str(path.relative_to(ROOT)), ast.parse(path.read_text())
        for scope, function in functions(tree):
            at = 1 if ast.get_docstring(function) else 0
            function.body[at:at] = ast.parse(f"ran({file!r}, {scope!r})").body
        tree.body += ast.parse(f"ran({file!r}, '')").body
        trees[file] = ast.fix_missing_locations(tree)
    return trees


def functions(node: ast.AST, scope: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function below, by scope."""
    for x in ast.iter_child_nodes(node):
        if isinstance(x, ast.FunctionDef | ast.ClassDef):
            inner = f"{scope}.{x.name}" if scope else x.name
            yield from [(inner, x)] if isinstance(x, ast.FunctionDef) else []
            yield from functions(x, inner)


# Forks, a few at a time.


@dataclass(frozen=True)
class Running:
    """A fork, what it is for, and when it started."""

    job: Any
    process: Any
    result: Connection
    start: float


def start(job: Any, work: Callable[..., None], *args: Any) -> Running:
    """Run work(*args, connection) in a fork."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=work, args=(*args, theirs))
    process.start()
    theirs.close()
    return Running(job, process, ours, time.monotonic())


def run_forks(jobs: Iterable[tuple[Any, Callable[..., Any]]], most: int) -> Iterator[tuple[Any, Any, float]]:
    """(job, what its fork sent, seconds), as they finish; a fork that hangs is ended."""
    waiting, running = iter(jobs), list[Running]()
    while True:
        while len(running) < most and (job := next(waiting, None)):
            running.append(start(job[0], *job[1]()))
        if not running:
            return
        wait([x.result for x in running], timeout=5)
        for x in [x for x in running if x.result.poll() or late(x)]:
            running.remove(x)
            yield x.job, received(x), time.monotonic() - x.start


def late(x: Running) -> bool:
    return time.monotonic() - x.start > SECONDS


def received(x: Running) -> Any:
    """What a fork sent; it is over then."""
    try:
        sent = x.result.recv() if x.result.poll() else (("", "", HANGS), set())
    except EOFError:
        sent = ("", "", "ended"), set()
    x.process.kill()
    x.process.join()
    return sent


# The bench.


def measured(most: int, keep: Path | None) -> dict[str, Functions]:
    """Test file -> the functions that it runs; as kept in a file, if there is one."""
    if keep and keep.exists():
        return {x: {tuple(y) for y in ran} for x, ran in json.loads(keep.read_text()).items()}
    reached = measure(most)
    if keep:
        keep.write_text(json.dumps({x: sorted(ran) for x, ran in reached.items()}))
    return reached


def measure(most: int) -> dict[str, Functions]:
    """The same, measured. Exits where a test fails."""
    reached: dict[str, Functions] = {}
    for check, (failure, ran), seconds in run_forks(((x, lambda x=x: (run_unchanged, x)) for x in CHECKS), most):
        if failure:
            sys.exit(f"{failure[1]} fails as it is: {failure[2]}")
        reached[check] = ran
        print(f"  {check:20}{seconds:6.1f} s", file=sys.stderr)
    return reached


def sample(count: int, seed: int) -> list[Mutant]:
    """A mutant at each of so many places: those of the smallest numbers, so that most stay when a formula changes."""
    chances = {x: random.Random(f"{seed} {x.module} {x.scope} {x.number}") for x in every_place()}
    drawn = sorted(chances, key=lambda x: chances[x].random())[:count]
    return [Mutant(x, chances[x].choice(x.others)) for x in drawn]


def reaching(mutant: Mutant, reached: dict[str, Functions]) -> list[str]:
    """The test files that run the function a mutant is in; where it is in none, those that import its module."""
    place, known = mutant.place, set().union(*reached.values())
    function = (place.module, place.scope)
    if function not in known and function in every_function():
        return []
    return [x for x in CHECKS if (function if function in known else (place.module, "")) in reached[x]]


@cache
def every_function() -> Functions:
    """(file, scope) of every function."""
    return {(str(x.relative_to(ROOT)), scope) for x in modules() for scope, _ in functions(ast.parse(x.read_text()))}


def run_mutants(mutants: list[Mutant], reached: dict[str, Functions], most: int) -> Iterator[tuple[Mutant, Any, float]]:
    """(mutant, its failure or None, seconds): all through the quick test files, then those that are left."""
    left: dict[Mutant, float] = {}
    for mutant, failure, seconds in run_through(QUICK, mutants, reached, most):
        if failure:
            yield mutant, failure, seconds
        else:
            left[mutant] = seconds
    for mutant, failure, seconds in run_through(SLOW, list(left), reached, most):
        yield mutant, failure, left[mutant] + seconds


def run_through(
    checks: Iterable[str], mutants: list[Mutant], reached: dict[str, Functions], most: int
) -> Iterator[tuple[Mutant, Any, float]]:
    """The same with these test files; those that rejected mutants of a module before go first."""
    rejected: Counter[tuple[str, str]] = Counter()

    def job(mutant: Mutant) -> tuple[Any, ...]:
        some = [x for x in reaching(mutant, reached) if x in checks]
        return run_mutant, mutant, sorted(some, key=lambda x: -rejected[mutant.place.module, x])

    for mutant, (failure, _), seconds in run_forks(((x, lambda x=x: job(x)) for x in mutants), most):
        if failure:
            rejected[mutant.place.module, failure[0]] += 1
        yield mutant, failure, seconds


def main() -> None:
    """Print what became of each mutant, and how many were rejected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=300, help="places")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="file that keeps what test files run, for the next time")
    parser.add_argument("--only", default="", help="of the sample, those whose file, function or change has this in it")
    parser.add_argument("--list", action="store_true", help="print the sample and run nothing")
    given = parser.parse_args()
    mutants = [x for x in sample(given.sample, given.seed) if given.only in str(x)]
    if given.list:
        print(f"{len(every_place())} places", *mutants, sep="\n")
        return
    prepare()
    print_results(run_mutants(mutants, measured(given.processes, given.keep), given.processes), len(mutants))


def prepare() -> None:
    """What forks share: modules imported, bytecode of the others, settings of hypothesis."""
    for name in PRELOADED:
        import_module(name)
    sys.dont_write_bytecode, sys.pycache_prefix = False, tempfile.mkdtemp(prefix="mutants-")
    atexit.register(shutil.rmtree, sys.pycache_prefix)
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("mutants")


def print_results(results: Iterable[tuple[Mutant, Any, float]], count: int) -> None:
    """A line a mutant, then the sums."""
    reasons, outcomes = json.loads(EQUIVALENT.read_text()), Counter[str]()
    for mutant, failure, seconds in results:
        outcome = outcome_of(mutant, failure, reasons)
        outcomes[outcome] += 1
        by = f"{failure[1].rpartition('/')[2]} {failure[2]}" if failure else reasons.get(str(mutant), "")
        print(f"{outcome:10}{seconds:5.0f} s  {mutant.place.line:4} {mutant}  | {by}", flush=True)
    print(
        f"\n{count} mutants at {len(every_place())} places:", ", ".join(f"{n} {x}" for x, n in outcomes.most_common())
    )
    noticed, real = outcomes["rejected"] + outcomes[HANGS], count - outcomes["equivalent"]
    print(f"{noticed} of {real} that differ are rejected: {noticed / max(real, 1):.1%}")


def outcome_of(mutant: Mutant, failure: Any, reasons: dict[str, str]) -> str:
    """Whether a mutant is rejected, hangs, survives, or cannot be told from what is there."""
    if failure:
        return HANGS if failure[2] == HANGS else "rejected"
    return "equivalent" if str(mutant) in reasons else "survives"


if __name__ == "__main__":
    main()
