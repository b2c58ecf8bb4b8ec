"""config.json from the Hugging Face hub, through huggingface_hub (the extra `hub`)."""

from symroof.errors import HubError, MissingExtra, shorten


def download(model: str) -> str:
    """The local path of a hub model's config.json; `org/name` or `org/name@revision`.

    Endpoint, token and cache are the hub's own (HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE). Raises
    MissingExtra without huggingface_hub, HubError when the download fails.
    """
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError as error:
        raise MissingExtra(f"fetching {shorten(model)} from the hub", "hub") from error
    repo, _, revision = model.partition("@")
    try:
        return str(hf_hub_download(repo, "config.json", revision=revision or None))
    except errors.GatedRepoError as error:
        raise HubError(f"{model}: gated: accept its licence on the hub, then run `hf auth login`") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(f"{model}: no such model on the hub, or private: check the name, or log in") from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{model}: the hub has no revision {revision!r} of it") from error
    except errors.LocalEntryNotFoundError as error:
        raise HubError(
            f"{model}: the hub cannot be reached and its config is not cached: check the network and HF_ENDPOINT, "
            "or give a file; `symroof models` lists what is built in"
        ) from error
    except errors.EntryNotFoundError as error:
        raise HubError(f"{model}: the repository has no config.json") from error
    except Exception as error:  # whatever transport huggingface_hub uses has errors of its own
        raise HubError(f"{model}: download failed: {shorten(error, 160)}") from error
