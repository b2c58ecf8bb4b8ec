"""config.json from the Hugging Face hub, through huggingface_hub (the extra `hub`)."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

from symroof.errors import HubError, MissingExtra, UsageError, shorten

FILE, BESIDE = "config.json", "hf_quant_config.json"  # the latter is modelopt's, and seldom there
CURE = "check the network and HF_ENDPOINT, or give a file; `symroof models` lists what is built in"
# What the hub says no with -> what to do about it; the first that fits is told.
REFUSALS = {
    "GatedRepoError": "gated: accept its licence on the hub, then run `hf auth login`",
    "RepositoryNotFoundError": "no such model on the hub, or private: check the name, or log in",
    "RevisionNotFoundError": "the hub has no such revision of it: check its branches and tags",
    "EntryNotFoundError": f"the repository has no {FILE}: give a model that has",
}


def download(model: str, most: int) -> str:
    """The local path of a hub model's config.json of at most `most` bytes; `org/name` or `org/name@revision`.

    Where the repository has an hf_quant_config.json, it lies beside it then. Endpoint, token and cache are the hub's
    own (HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE). A config that is cached serves where the hub does not answer.
    Raises MissingExtra without huggingface_hub, UsageError for what cannot be a hub id, HubError when the download
    fails.
    """
    hub = library(model)
    repo, _, revision = model.partition("@")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say is said in the error
        try:
            silent = unreachable(hub, repo, revision or None, FILE, most)
            if not silent:  # first: a config is in the cache with what belongs to it
                accompany(hub, repo, revision or None, most)
            return str(hub.hf_hub_download(repo, FILE, revision=revision or None, local_files_only=bool(silent)))
        except HubError:
            raise
        except hub.errors.HFValidationError as error:
            raise UsageError(f"{shorten(model)!r} is no hub id: give org/name or org/name@revision") from error
        except hub.errors.LocalEntryNotFoundError as error:
            raise HubError(f"{model}: not cached, and {silent or 'the download broke off'}: {CURE}") from error
        except Exception as error:  # whatever transport huggingface_hub uses has errors of its own
            why = next(refused(hub, error), f"download failed ({shorten(error, 200)}): {CURE}")
            raise HubError(f"{model}: {why}") from error


def accompany(hub: Any, repo: str, revision: str | None, most: int) -> None:
    """Download what lies beside the config, where there is such a file."""
    try:
        silent = unreachable(hub, repo, revision, BESIDE, most)
    except hub.errors.EntryNotFoundError:
        return
    if silent:
        raise HubError(f"{repo}: {silent} about its {BESIDE}: {CURE}")
    hub.hf_hub_download(repo, BESIDE, revision=revision)


def library(model: str) -> Any:
    """huggingface_hub, without its progress bars and log lines."""
    try:
        with redirect_stdout(io.StringIO()):
            import huggingface_hub
            import huggingface_hub.constants
            import huggingface_hub.errors
            import huggingface_hub.file_download  # the modules below load when first asked for, and set up logging
            import huggingface_hub.utils
    except ImportError as error:
        raise MissingExtra(f"fetching {shorten(model)} from the hub", "hub") from error
    except Exception as error:  # it reads HF_ENDPOINT when imported
        raise HubError(f"{model}: huggingface_hub does not start ({shorten(error, 100)}): {CURE}") from error
    huggingface_hub.utils.disable_progress_bars()  # type: ignore[attr-defined]
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL + 1)
    return huggingface_hub


def refused(hub: Any, error: Exception) -> Iterator[str]:
    """What the hub's answer means, where it is a no."""
    return (text for name, text in REFUSALS.items() if isinstance(error, getattr(hub.errors, name)))


def silence(hub: Any, error: Exception) -> str:
    """Why there is no answer."""
    if isinstance(error, hub.errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, hub.errors.HfHubHTTPError):
        return f"the hub answers {error.response.status_code}"
    return f"the hub cannot be reached ({type(error).__name__})"  # of httpx or requests, by version


def unreachable(hub: Any, repo: str, revision: str | None, file: str, most: int) -> str:
    """Why the hub gives no answer about the file, asked once and without retries; empty where it does."""
    try:
        wait = hub.constants.HF_HUB_ETAG_TIMEOUT
        found = hub.get_hf_file_metadata(hub.hf_hub_url(repo, file, revision=revision), timeout=wait)
    except Exception as error:
        if isinstance(error, hub.errors.HFValidationError) or any(refused(hub, error)):
            raise
        return silence(hub, error)
    if found.size is not None and found.size > most:
        raise HubError(f"{repo}: its {file} is larger than {most >> 20} MiB: this is no config")
    return ""
