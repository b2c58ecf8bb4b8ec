"""Compiled formulas on disk: used only where this installation wrote them for this user, remade otherwise."""

import errno
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import symroof
from symroof.model import formula_cache, programs

PACKAGE = Path(symroof.__file__).parent
KEY = "standard Structure(...)"
TEXT = "sums = ('T',)\n"
COMMAND = [sys.executable, "-c", "from symroof.cli import main; main()", "report", "llama-3.1-8b", "--json"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache directory, and no program in memory."""
    monkeypatch.setenv("SYMROOF_CACHE_DIR", str(tmp_path / "cache"))
    programs.program.cache_clear()
    yield tmp_path / "cache"
    programs.program.cache_clear()


@pytest.fixture
def kept(place):
    """The file that a text is kept in."""
    formula_cache.write_cached(KEY, TEXT)
    (found,) = place.iterdir()
    return found


def total():
    """A figure that takes a program."""
    programs.program.cache_clear()
    return symroof.load("llama-3.1-8b").report(cached=2048).total


def compilations(monkeypatch):
    """The structures that are compiled from here on."""
    made = []
    anew = programs.compiled_source
    monkeypatch.setattr(programs, "compiled_source", lambda *x: made.append(x) or anew(*x))
    return made


def test_what_is_written_is_read_again(kept):
    assert formula_cache.read_cached(KEY) == TEXT
    assert formula_cache.read_cached(KEY + " ") is None


def test_a_structure_seen_before_is_not_compiled_again(place, monkeypatch):
    made = compilations(monkeypatch)
    first = total()
    assert (total(), len(made), len(list(place.iterdir()))) == (first, 1, 1)


def test_models_of_one_structure_share_a_program(place):
    for name in ("llama-3.1-8b", "llama-2-70b"):
        symroof.load(name).report()
    assert len(list(place.iterdir())) == 1


def test_files_and_directory_are_the_users_own(kept):
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700


BROKEN = {
    "empty": lambda x: b"",
    "truncated": lambda x: x[: len(x) // 2],
    "one letter changed": lambda x: x[:-3] + b"X" + x[-2:],
    "another version": lambda x: x.replace(b"# symroof ", b"# symroof 9"),
    "no text": lambda x: b"\xff\xfe" * 4096,
    "only a body": lambda x: x.split(b"\n", 2)[2],
    "poisoned": lambda x: x + b"raise SystemExit('poison')\n",
    "poisoned, its own digest": lambda x: poisoned(x),
}


def poisoned(content: bytes) -> bytes:
    """Other code under a heading that a foreign installation could have made: a digest, but not our fingerprint."""
    heading, kept = (content.decode() + "raise SystemExit('poison')\n").split("\n", 1)
    words = heading.split()
    return f"{' '.join([*words[:3], '0' * 16, formula_cache.text_digest(kept)])}\n{kept}".encode()


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_or_foreign_file_is_ignored_and_remade(place, broken):
    first = total()
    (path,) = place.iterdir()
    good = path.read_bytes()
    path.write_bytes(broken(good))
    assert total() == first
    assert path.read_bytes() == good


def test_a_file_of_another_structure_is_ignored(place):
    total()
    (path,) = place.iterdir()
    symroof.load("gpt2").report(dtype="bf16")
    (other,) = set(place.iterdir()) - {path}
    expected = total()
    path.write_bytes(other.read_bytes())
    assert total() == expected


def test_two_keys_of_one_digest_are_told_apart(place, monkeypatch):
    monkeypatch.setattr(formula_cache, "cache_file", lambda where, _: str(Path(where, "same.py")))
    formula_cache.write_cached(KEY, TEXT)
    assert formula_cache.read_cached("another key") is None
    assert formula_cache.read_cached(KEY) == TEXT


def test_a_changed_installation_makes_its_own(kept, monkeypatch):
    assert formula_cache.read_cached(KEY) == TEXT
    monkeypatch.setattr(formula_cache, "fingerprint", lambda: "0" * 16)
    assert formula_cache.read_cached(KEY) is None


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o660, 0o606, 0o604])
def test_a_file_that_others_can_read_or_write_is_not_trusted(kept, mode):
    kept.chmod(mode)
    assert formula_cache.read_cached(KEY) is None
    formula_cache.write_cached(KEY, TEXT)
    assert formula_cache.read_cached(KEY) == TEXT


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o722])
def test_a_directory_that_others_can_write_to_is_not_trusted(kept, mode):
    kept.parent.chmod(mode)
    assert formula_cache.read_cached(KEY) is None
    formula_cache.write_cached("other", TEXT)
    assert list(kept.parent.iterdir()) == [kept]


def test_a_link_or_a_pipe_in_its_place_is_not_followed(kept, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    kept.rename(elsewhere)
    kept.symlink_to(elsewhere)
    assert formula_cache.read_cached(KEY) is None
    kept.unlink()
    os.mkfifo(kept, 0o600)
    assert formula_cache.read_cached(KEY) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_or_directory_is_not_trusted(kept):
    os.chown(kept, 12345, -1)
    assert formula_cache.read_cached(KEY) is None
    os.chown(kept, 0, -1)
    os.chown(kept.parent, 12345, -1)
    assert formula_cache.read_cached(KEY) is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/symroof")):
        monkeypatch.setenv("SYMROOF_CACHE_DIR", str(place))
        assert total().flops > 0
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_read_only_home_is_no_error(tmp_path, monkeypatch):
    monkeypatch.delenv("SYMROOF_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    tmp_path.chmod(0o500)
    assert total().flops > 0


def test_a_full_disk_is_no_error_and_leaves_nothing(place, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert total().flops > 0
    assert list(place.iterdir()) == []


def test_what_a_killed_run_leaves_behind_is_harmless(place):
    first = total()
    (path,) = place.iterdir()
    path.with_name(f".{path.name}.1.abcd").write_bytes(path.read_bytes()[:100])
    assert total() == first


@pytest.mark.parametrize("off", [{"SYMROOF_CACHE": "0"}, {"HOME": "relative"}], ids=str)
def test_it_can_be_off(place, monkeypatch, off):
    for name, value in off.items():
        monkeypatch.setenv(name, value)
    if "HOME" in off:
        monkeypatch.delenv("SYMROOF_CACHE_DIR")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert not formula_cache.cache_directory()
    assert total().flops > 0
    assert not place.exists()


PLATFORMS = {
    "win32": ({"LOCALAPPDATA": "/Users/me/AppData/Local"}, "/Users/me/AppData/Local/symroof/cache"),
    "darwin": ({"HOME": "/Users/me", "XDG_CACHE_HOME": "/elsewhere"}, "/Users/me/Library/Caches/symroof"),
    "linux": ({"HOME": "/home/me", "XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/symroof"),
}


@pytest.mark.parametrize("system", PLATFORMS)
def test_each_system_has_its_folder_of_caches(monkeypatch, system):
    environment, folder = PLATFORMS[system]
    monkeypatch.delenv("SYMROOF_CACHE_DIR")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    assert formula_cache.cache_directory() == folder


def test_windows_without_a_profile_caches_nothing(monkeypatch):
    monkeypatch.delenv("SYMROOF_CACHE_DIR")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert formula_cache.cache_directory() == ""


def test_a_system_without_owners_caches_too(place, monkeypatch):
    for name in ("geteuid", "O_NOFOLLOW", "O_NONBLOCK"):
        monkeypatch.delattr(os, name)
    formula_cache.write_cached(KEY, TEXT)
    (path,) = place.iterdir()
    path.chmod(0o666)
    assert formula_cache.read_cached(KEY) == TEXT


def installation(folder):
    """A copy of the package in a folder."""
    shutil.copytree(PACKAGE, folder / "symroof", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def archive(path):
    """A copy of the package in a zip archive."""
    with zipfile.ZipFile(path, "w") as file:
        for x in PACKAGE.rglob("*"):
            if x.is_file() and "__pycache__" not in x.parts:
                file.write(x, x.relative_to(PACKAGE.parent))
    return path


def report_by(installed, folder):
    """What an installation prints, whether sympy was imported, and where the package is."""
    code = (
        "import sys, symroof\nfrom symroof.cli import cli\n"
        "try: cli(['report', 'llama-3.1-8b', '--json'])\nexcept SystemExit as end: assert not end.code\n"
        "print('sympy' in sys.modules, symroof.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    *printed, last = done.stdout.splitlines()
    compiled, where = last.split(" ", 1)
    assert where.startswith(str(installed))
    return printed, compiled == "True"


def test_two_installations_share_a_directory(place, tmp_path):
    one, two = (installation(tmp_path / name) for name in ("one", "two"))
    first, second = report_by(one, tmp_path), report_by(two, tmp_path)
    assert first == second
    assert first[1]
    assert len(list(place.iterdir())) == 2
    assert report_by(one, tmp_path) == report_by(two, tmp_path) == (first[0], False)


def test_a_package_in_a_zip_archive_caches_nothing_and_ignores_other_files(place, tmp_path):
    first = report_by(installation(tmp_path / "one"), tmp_path)
    files = list(place.iterdir())
    assert report_by(archive(tmp_path / "symroof.zip"), tmp_path) == first
    assert list(place.iterdir()) == files


def aged(path, days):
    """An empty file that was written some days ago."""
    path.touch()
    os.utime(path, (time.time() - days * 24 * 3600,) * 2)
    return path


def test_old_files_of_other_installations_are_removed(kept):
    names = (f"{'0' * 16}-{'1' * 16}.py", f"{'0' * 16}.py", ".symroof.abc_1234")
    for name in names:
        aged(kept.with_name(name), 91)
    others = [aged(kept.with_name(f"{'2' * 16}-{'1' * 16}.py"), 89), aged(kept.with_name("notes.py"), 999)]
    aged(kept, 999)
    formula_cache.write_cached("other", TEXT)
    assert not any(kept.with_name(name).exists() for name in names)
    assert all(x.exists() for x in [*others, kept])
    assert formula_cache.read_cached(KEY) == formula_cache.read_cached("other") == TEXT


def test_the_oldest_of_too_many_files_are_removed(kept, monkeypatch):
    monkeypatch.setattr(formula_cache, "MAX_FILES", 2)
    paths = [aged(kept.with_name(f"{days:016}-{'1' * 16}.py"), days) for days in (1, 2, 3, 4)]
    formula_cache.write_cached("other", TEXT)
    assert [x.exists() for x in paths] == [True, True, False, False]
    assert formula_cache.read_cached(KEY) == TEXT


def test_its_place_is_that_of_the_users_caches(monkeypatch):
    monkeypatch.delenv("SYMROOF_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert formula_cache.cache_directory() == "/somewhere/symroof"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert formula_cache.cache_directory() == "/home/me/.cache/symroof"


def test_several_processes_at_once(place):
    running = [subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    told = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert len(told) == 1
    assert len(list(place.iterdir())) == 1


def test_a_program_may_call_nothing_but_arithmetic():
    for text in ("import os", "open('x')", "__import__('os')", "eval('1')"):
        with pytest.raises((ImportError, NameError)):
            programs.load_program(text)
