"""config.json from the Hugging Face hub, through huggingface_hub (the extra `hub`)."""

import io
import logging
import re
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urljoin, urlsplit

from symroof.errors import HubError, MissingExtra, UsageError, shorten
from symroof.files import write_atomically

FILE, QUANT_FILE = "config.json", "hf_quant_config.json"  # the latter is modelopt's, and rare
REVISION, COMMIT = re.compile(r"[\w.-]+(/[\w.-]+)*(?<!\.lock)"), re.compile(r"[0-9A-Za-z]{1,64}")
REDIRECTIONS, MOST_HOPS = (301, 302, 303, 307, 308), 5
EXCHANGES = 6  # times HF_HUB_DOWNLOAD_TIMEOUT, which bounds the wait for one answer, that a download takes at most
CURE = "check the network and HF_ENDPOINT, or give a file; `symroof models` lists what is built in"
# Error by which the hub refuses -> what to do about it; the first match is reported.
REFUSALS = {
    "GatedRepoError": "gated: accept its licence on the hub, then run `hf auth login`",
    "RepositoryNotFoundError": "no such model on the hub, or private: check the name, or log in",
    "RevisionNotFoundError": "the hub has no such revision of it: check its branches and tags",
    "EntryNotFoundError": f"the repository has no {FILE}: give a model that has",
}


T = TypeVar("T")


class HubFile(NamedTuple):
    """A file of a repository at a commit; `content` is None where the cache has it."""

    name: str
    commit: str
    content: bytes | None


def download(model: str, most: int) -> str:
    """The local path of a hub model's config.json of at most `most` bytes; `org/name` or `org/name@revision`.

    An hf_quant_config.json in the repository is cached in the same directory. Endpoint, token, timeouts and cache are
    those of huggingface_hub (HF_ENDPOINT, HF_TOKEN, HF_HUB_DOWNLOAD_TIMEOUT, HF_HOME, HF_HUB_OFFLINE). A cached config
    is used where the hub does not answer. Raises MissingExtra without huggingface_hub, UsageError for a malformed hub
    id, HubError when the download fails.
    """
    repo, _, revision = model.partition("@")
    if "@" in model:
        check_revision(model, revision)
    hub = import_hub(model)
    offline = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the error says all there is to say
        try:
            limit = EXCHANGES * hub.constants.HF_HUB_DOWNLOAD_TIMEOUT
            offline, files = within_seconds(model, limit, lambda: fetch(hub, repo, revision or None, most))
            save_in_cache(hub, repo, revision or "main", files)
            return str(hub.hf_hub_download(repo, FILE, revision=revision or None, local_files_only=True))
        except HubError:
            raise
        except Exception as error:  # the HTTP library that huggingface_hub uses has errors of other classes
            raise download_error(hub, model, offline, error) from error


def check_revision(model: str, revision: str) -> None:
    """Raises UsageError unless a revision is a branch, tag or commit: it becomes a path of the cache."""
    parts = revision.split("/")
    if not REVISION.fullmatch(revision) or any(x.startswith(".") or ".." in x or x.endswith(".") for x in parts):
        raise UsageError(f"{shorten(model)!r} names no revision after the @: give a branch, a tag or a commit")


def within_seconds(model: str, limit: float, work: Callable[[], T]) -> T:
    """What a function returns or raises; HubError where it takes longer. It is left to itself then: it writes nothing.

    No timeout of an HTTP library bounds a whole exchange: each begins anew with every byte that a server sends.
    """
    outcome: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit)
    if not outcome:
        raise HubError(f"{shorten(model)}: the hub has not sent it within {limit:g} s: {CURE}")
    value, error = outcome[0]
    if error:
        raise error
    return value  # type: ignore[no-any-return]


def fetch(hub: Any, repo: str, revision: str | None, most: int) -> tuple[str, list[HubFile]]:
    """Why the hub gives no answer, empty where it does, and the files for the cache: modelopt's, the config."""
    offline, config = file_on_hub(hub, repo, revision, FILE, most)
    if not config:
        return offline, []
    try:
        beside_offline, beside = file_on_hub(hub, repo, revision, QUANT_FILE, most)
    except hub.errors.EntryNotFoundError:
        return "", [config]
    if not beside:
        raise HubError(f"{repo}: {beside_offline} about its {QUANT_FILE}: {CURE}")
    return "", [beside, config]  # in this order, so that a cached config always has its quantization file


def file_on_hub(hub: Any, repo: str, revision: str | None, name: str, most: int) -> tuple[str, "HubFile | None"]:
    """Why the hub gives no answer about a file, after one request without retries; else the file."""
    url = hub.hf_hub_url(repo, name, revision=revision)
    try:
        metadata = hub.get_hf_file_metadata(url, timeout=hub.constants.HF_HUB_ETAG_TIMEOUT)
    except Exception as error:
        if isinstance(error, hub.errors.HFValidationError) or any(refusal_reasons(hub, error)):
            raise
        return no_answer_reason(hub, error), None
    commit = known_commit(repo, metadata)
    if isinstance(hub.try_to_load_from_cache(repo, name, revision=commit), str):
        return "", HubFile(name, commit, None)
    content = b"" if metadata.size and metadata.size > most else read_body(hub, url, most)
    if max(len(content), metadata.size or 0) > most:
        raise HubError(f"{repo}: its {name} is larger than {most >> 20} MiB: this is not a config")
    if metadata.size not in (None, len(content)):
        raise HubError(f"{repo}: download failed ({len(content)} of {metadata.size} bytes of {name} came): {CURE}")
    return "", HubFile(name, commit, content)


def known_commit(repo: str, metadata: Any) -> str:
    """The commit that an answer names, which becomes a directory of the cache. Raises HubError."""
    if metadata.commit_hash is None or not COMMIT.fullmatch(metadata.commit_hash):
        raise HubError(f"{repo}: download failed (the answer names no commit, as a hub does): {CURE}")
    return str(metadata.commit_hash)


def read_body(hub: Any, url: str, most: int) -> bytes:
    """The bytes at an address as they are sent, not unpacked; reading ends after the first beyond `most`."""
    content = bytearray()
    with closing(chunks(hub, url)) as stream:
        for chunk in stream:
            content += chunk
            if len(content) > most:
                break
    return bytes(content)


def chunks(hub: Any, url: str) -> Generator[bytes]:
    """The bytes at an address as they arrive; of a redirection or a refusal nothing but its headers is read."""
    headers = {**hub.utils.build_hf_headers(), "Accept-Encoding": "identity"}
    for _ in range(MOST_HOPS):
        with stream_answer(hub, url, headers) as (answer, body):
            if answer.status_code not in REDIRECTIONS:
                check_answer(answer)
                yield from body
                return
            target = urljoin(url, answer.headers.get("Location", ""))
        if urlsplit(target).netloc != urlsplit(url).netloc:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        url = target
    raise ValueError(f"more than {MOST_HOPS} redirections")


@contextmanager
def stream_answer(hub: Any, url: str, headers: dict[str, str]) -> Iterator[tuple[Any, Iterable[bytes]]]:
    """The answer at an address, and its body as it is sent.

    The session of huggingface_hub is one of httpx, before its version 1.0 one of requests.
    """
    session, how = hub.utils.get_session(), {"headers": headers, "timeout": hub.constants.HF_HUB_DOWNLOAD_TIMEOUT}
    if callable(getattr(session, "stream", None)):
        with session.stream("GET", url, follow_redirects=False, **how) as answer:
            yield answer, answer.iter_raw()
    else:
        with session.get(url, stream=True, allow_redirects=False, **how) as answer:
            yield answer, answer.raw.stream(2**16, decode_content=False)


def check_answer(answer: Any) -> None:
    """Raises ValueError for an answer without the file, or with bytes that would have to be unpacked."""
    if answer.status_code != 200:
        raise ValueError(f"the hub answers {answer.status_code}")
    if (packed := answer.headers.get("Content-Encoding", "identity")) != "identity":
        raise ValueError(f"the hub sends {shorten(packed, 20)}, which was not asked for")


def save_in_cache(hub: Any, repo: str, revision: str, files: Iterable[HubFile]) -> None:
    """Add files to huggingface_hub's cache, each whole or not at all.

    Source of its layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache, without links, as on systems
    that have none: snapshots/COMMIT/FILE, and refs/REVISION with the commit.
    """
    folder = Path(hub.constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    for file in files:
        if file.content is not None:
            replace_file(folder / "snapshots" / file.commit / file.name, file.content)
        if revision != file.commit:
            replace_file(folder / "refs" / revision, file.commit.encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file as a whole, in a directory that is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as file:
        file.write(content)


def download_error(hub: Any, model: str, offline: str, error: Exception) -> UsageError | HubError:
    """The error to raise for one of huggingface_hub's; `offline` says why the hub gave no answer, if it gave none."""
    if isinstance(error, hub.errors.HFValidationError):
        return UsageError(f"{shorten(model)!r} is not a hub id: give org/name or org/name@revision")
    if isinstance(error, hub.errors.LocalEntryNotFoundError):
        return HubError(f"{model}: not cached, and {offline or 'the download broke off'}: {CURE}")
    why = next(refusal_reasons(hub, error), f"download failed ({shorten(error, 200)}): {CURE}")
    return HubError(f"{model}: {why}")


def import_hub(model: str) -> Any:
    """huggingface_hub, without its progress bars and log lines."""
    try:
        with redirect_stdout(io.StringIO()):
            import huggingface_hub
            import huggingface_hub.constants
            import huggingface_hub.errors
            import huggingface_hub.file_download  # these modules are loaded lazily, and set up logging
            import huggingface_hub.utils
    except ImportError as error:
        raise MissingExtra(f"fetching {shorten(model)} from the hub", "hub") from error
    except Exception as error:  # it reads HF_ENDPOINT on import
        raise HubError(f"{model}: huggingface_hub does not start ({shorten(error, 100)}): {CURE}") from error
    huggingface_hub.utils.disable_progress_bars()  # type: ignore[attr-defined]
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL + 1)
    return huggingface_hub


def refusal_reasons(hub: Any, error: Exception) -> Iterator[str]:
    """What to do about the hub's refusal; nothing for other errors."""
    return (text for name, text in REFUSALS.items() if isinstance(error, getattr(hub.errors, name)))


def no_answer_reason(hub: Any, error: Exception) -> str:
    """Why the hub gave no answer, from the error that its client raised."""
    if isinstance(error, hub.errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, hub.errors.HfHubHTTPError):
        return f"the hub answers {error.response.status_code}"
    return f"the hub cannot be reached ({type(error).__name__})"  # of httpx or requests, by version
