"""Downloads a model from the hub into the cache that all Hugging Face tools share."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

# Read by the library at its import: plain HTTP, which proxies and mirrors can serve.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

import httpx2
from huggingface_hub import (
    constants,
    get_cached_repo_tree,
    get_session,
    snapshot_download,
)
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from tqdm import tqdm

from chatsite.catalog import HubSource
from worker import model_folder
from worker.weights.digests import Expected

#: Folders of a repository hold the same model for other programs.
UNWANTED_FILES = ("*/*",)
ATTEMPTS = 3
PAUSE_SECONDS = 1.0
CONNECT_SECONDS = 5.0

#: Hears of progress: a share from 0 to 1 where it is known, and what is being done.
OnProgress = Callable[[float | None, str], None]


class HubFailed(RuntimeError):
    """A model cannot be had from the hub. The message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub and the cache for what comes from it."""

    endpoint: str
    cache: Path

    @classmethod
    def from_environment(cls) -> Hub:
        """The hub of ``HF_ENDPOINT`` and the cache below ``HF_HOME``."""
        return cls(constants.ENDPOINT, Path(constants.HF_HUB_CACHE))

    def can_connect(self) -> bool:
        """Whether any answer comes within 5 s, be it an error.

        False when offline use was asked for (``HF_HUB_OFFLINE``).
        """
        if constants.is_offline_mode():
            return False
        try:
            get_session().head(
                self.endpoint, timeout=CONNECT_SECONDS, follow_redirects=False
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError):
            return False
        except httpx2.TransportError:
            return True  # Connected, then badly served: not for us to paper over.
        return True

    def cached(self, source: HubSource) -> Path | None:
        """The folder of a model that is here and whole; asks no network."""
        folder = self._folder(source)
        if model_folder.problem(folder) or self._cut_short(source, folder):
            return None
        return folder

    def download(self, source: HubSource, on_progress: OnProgress) -> Path:
        """The folder of the model, downloaded where it is not here yet.

        A connection that breaks is taken up again, a broken file fetched again, a
        few times. Raises ``HubFailed``.
        """
        reason = ""
        for attempt in range(ATTEMPTS):
            if folder := self.cached(source):
                return folder
            if attempt:
                on_progress(None, f"trying again: {reason}")
                time.sleep(PAUSE_SECONDS * attempt)
            reason = self._try(source, on_progress)
        if folder := self.cached(source):
            return folder
        raise HubFailed(f"{self._named(source)} could not be downloaded: {reason}")

    def _try(self, source: HubSource, on_progress: OnProgress) -> str:
        """One attempt; why it may have failed. Raises ``HubFailed`` when for good."""
        self._remove_broken(source)
        # The library would try for more than a minute.
        if not self.can_connect():
            return "the hub cannot be connected to"
        share = _Share(lambda: self._total_bytes(source), on_progress)
        try:
            folder = snapshot_download(
                source.repository,
                revision=source.revision,
                endpoint=self.endpoint,
                cache_dir=self.cache,
                allow_patterns=list(model_folder.LOADED_FILES),
                ignore_patterns=list(UNWANTED_FILES),
                tqdm_class=_bar_class(share),
            )
        except (
            RevisionNotFoundError,
            RepositoryNotFoundError,
            GatedRepoError,
        ) as error:
            raise HubFailed(self._refusal(source, error)) from error
        except HfHubHTTPError as error:
            if error.response.status_code < 500:
                raise HubFailed(self._refusal(source, error)) from error
            return _first_line(error)
        except (httpx2.HTTPError, LocalEntryNotFoundError, OSError) as error:
            return _first_line(error)
        return f"the model {model_folder.problem(Path(folder)) or 'is cut short'}"

    def _folder(self, source: HubSource) -> Path:
        """Where the library keeps the files of this revision."""
        repository = "models--" + source.repository.replace("/", "--")
        return self.cache / repository / "snapshots" / source.revision

    def _refusal(self, source: HubSource, error: HfHubHTTPError) -> str:
        name = self._named(source)
        match error:
            case RevisionNotFoundError():
                return f"{name}: the hub has no such revision of this model."
            case GatedRepoError():
                return f"{name}: the hub asks for a login to this model (HF_TOKEN)."
            case RepositoryNotFoundError():
                return f"{name}: the hub has no such model, or it is private."
        return f"{name}: the hub answered {error.response.status_code}."

    def _named(self, source: HubSource) -> str:
        return f"{source.repository} at {source.revision[:12]} from {self.endpoint}"

    def listed(self, source: HubSource) -> Expected:
        """What git calls the files of this revision, as the hub listed them."""
        return Expected(
            f"the hub's list of revision {source.revision[:12]}",
            git={file.path: file.blob_id for file in self._tree(source)},
        )

    def _tree(self, source: HubSource) -> list[RepoFile]:
        """Every wanted file, as the hub listed them; empty if it never did."""
        try:
            tree = get_cached_repo_tree(
                source.repository, revision=source.revision, cache_dir=self.cache
            )
        except CachedRepoTreeNotFoundError:
            return []
        return [file for file in tree if _is_wanted(file.path)]

    def _sizes(self, source: HubSource) -> dict[str, int]:
        return {file.path: file.size for file in self._tree(source)}

    def _total_bytes(self, source: HubSource) -> int:
        return sum(self._sizes(source).values())

    def _cut_short(self, source: HubSource, folder: Path) -> list[Path]:
        """Files that are here in another size than the hub listed, or missing."""
        files = {folder / name: size for name, size in self._sizes(source).items()}
        return [
            path
            for path, size in files.items()
            if not path.is_file() or path.stat().st_size != size
        ]

    def _remove_broken(self, source: HubSource) -> None:
        """Delete what is cut short, so that the library fetches it again."""
        folder = self._folder(source)
        if folder.is_dir():
            for path in {
                *model_folder.broken_files(folder),
                *self._cut_short(source, folder),
            }:
                path.resolve().unlink(missing_ok=True)
                path.unlink(missing_ok=True)


def _is_wanted(name: str) -> bool:
    return any(fnmatch(name, p) for p in model_folder.LOADED_FILES) and "/" not in name


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


class _Share:
    """The share of all bytes that is here; told whenever it grows."""

    def __init__(self, total_bytes: Callable[[], int], on_progress: OnProgress) -> None:
        self._total_bytes = total_bytes
        self._on_progress = on_progress
        self._told = 0.0
        self._lock = threading.Lock()

    def tell(self, seen_bytes: float) -> None:
        """Take news from any of the threads that download."""
        with self._lock:
            total = self._total_bytes()
            share = min(1.0, seen_bytes / total) if total else 0.0
            if share > self._told:
                self._told = share
                self._on_progress(share, "downloading")


def _bar_class(share: _Share) -> type[tqdm]:
    """A silent progress bar, as the library wants one, that passes its count on.

    The library opens several; those that count bytes all see every byte.
    """

    class Bar(tqdm):  # type: ignore[misc]  # untyped, see above
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.counts_bytes = kwargs.get("unit") == "B"
            kwargs["disable"] = True
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if self.counts_bytes:
                share.tell(self.n)

    return Bar
