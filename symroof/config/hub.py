"""config.json from the Hugging Face hub, through huggingface_hub (the extra `hub`)."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

from symroof.errors import HubError, MissingExtra, UsageError, shorten

FILE, QUANT_FILE = "config.json", "hf_quant_config.json"  # the latter is modelopt's, and rare
CURE = "check the network and HF_ENDPOINT, or give a file; `symroof models` lists what is built in"
# Error by which the hub refuses -> what to do about it; the first match is reported.
REFUSALS = {
    "GatedRepoError": "gated: accept its licence on the hub, then run `hf auth login`",
    "RepositoryNotFoundError": "no such model on the hub, or private: check the name, or log in",
    "RevisionNotFoundError": "the hub has no such revision of it: check its branches and tags",
    "EntryNotFoundError": f"the repository has no {FILE}: give a model that has",
}


def download(model: str, most: int) -> str:
    """The local path of a hub model's config.json of at most `most` bytes; `org/name` or `org/name@revision`.

    An hf_quant_config.json in the repository is downloaded to the same directory. Endpoint, token and cache are those
    of huggingface_hub (HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE). A cached config is used where the hub does not
    answer. Raises MissingExtra without huggingface_hub, UsageError for a malformed hub id, HubError when the download
    fails.
    """
    hub = import_hub(model)
    repo, _, revision = model.partition("@")
    offline = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the error says all there is to say
        try:
            offline = why_no_answer(hub, repo, revision or None, FILE, most)
            if not offline:  # first, so that a cached config always has its quantization file
                download_quantization_file(hub, repo, revision or None, most)
            return str(hub.hf_hub_download(repo, FILE, revision=revision or None, local_files_only=bool(offline)))
        except HubError:
            raise
        except Exception as error:  # the HTTP library that huggingface_hub uses has errors of other classes
            raise download_error(hub, model, offline, error) from error


def download_error(hub: Any, model: str, offline: str, error: Exception) -> UsageError | HubError:
    """The error to raise for one of huggingface_hub's; `offline` says why the hub gave no answer, if it gave none."""
    if isinstance(error, hub.errors.HFValidationError):
        return UsageError(f"{shorten(model)!r} is not a hub id: give org/name or org/name@revision")
    if isinstance(error, hub.errors.LocalEntryNotFoundError):
        return HubError(f"{model}: not cached, and {offline or 'the download broke off'}: {CURE}")
    why = next(refusal_reasons(hub, error), f"download failed ({shorten(error, 200)}): {CURE}")
    return HubError(f"{model}: {why}")


def download_quantization_file(hub: Any, repo: str, revision: str | None, most: int) -> None:
    """Download the quantization file next to the config, if the repository has one."""
    try:
        offline = why_no_answer(hub, repo, revision, QUANT_FILE, most)
    except hub.errors.EntryNotFoundError:
        return
    if offline:
        raise HubError(f"{repo}: {offline} about its {QUANT_FILE}: {CURE}")
    hub.hf_hub_download(repo, QUANT_FILE, revision=revision)


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


def why_no_answer(hub: Any, repo: str, revision: str | None, file: str, most: int) -> str:
    """Why the hub gives no answer about a file, after one request without retries; empty where it answers."""
    try:
        wait = hub.constants.HF_HUB_ETAG_TIMEOUT
        metadata = hub.get_hf_file_metadata(hub.hf_hub_url(repo, file, revision=revision), timeout=wait)
    except Exception as error:
        if isinstance(error, hub.errors.HFValidationError) or any(refusal_reasons(hub, error)):
            raise
        return no_answer_reason(hub, error)
    if metadata.size is not None and metadata.size > most:
        raise HubError(f"{repo}: its {file} is larger than {most >> 20} MiB: this is not a config")
    return ""
