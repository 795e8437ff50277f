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

# The library reads this when it is imported. Plain HTTP works with proxies and mirrors.
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
from worker.weights.digests import ExpectedDigests

#: Subfolders of a repository hold the same model for other programs.
IGNORED_FILES = ("*/*",)
ATTEMPTS = 3
PAUSE_SECONDS = 1.0
CONNECT_SECONDS = 5.0

#: Receives progress: a share from 0 to 1 if known, and what is being done.
OnProgress = Callable[[float | None, str], None]


class HubFailed(RuntimeError):
    """The hub cannot provide a model. The message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A model hub, and the cache for files from it."""

    endpoint: str
    cache: Path

    @classmethod
    def from_environment(cls) -> Hub:
        """Return the hub of ``HF_ENDPOINT`` with the cache below ``HF_HOME``."""
        return cls(constants.ENDPOINT, Path(constants.HF_HUB_CACHE))

    def can_connect(self) -> bool:
        """Return whether the hub answers within 5 s, even with an error.

        False in offline mode (``HF_HUB_OFFLINE``).
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
            return True  # The connection was made: the download reports the error.
        return True

    def cached_folder(self, source: HubSource) -> Path | None:
        """Return the folder of a model that is here and complete; without network."""
        folder = self._folder(source)
        if model_folder.find_problem(folder) or self._incomplete_files(source, folder):
            return None
        return folder

    def download(self, source: HubSource, on_progress: OnProgress) -> Path:
        """Return the folder of the model, downloaded if it is not here yet.

        A broken connection is resumed and a broken file fetched again, a few times.
        Raises ``HubFailed``.
        """
        reason = ""
        for attempt in range(ATTEMPTS):
            if folder := self.cached_folder(source):
                return folder
            if attempt:
                on_progress(None, f"trying again: {reason}")
                time.sleep(PAUSE_SECONDS * attempt)
            reason = self._try_download(source, on_progress)
        if folder := self.cached_folder(source):
            return folder
        raise HubFailed(f"{self._named(source)} could not be downloaded: {reason}")

    def _try_download(self, source: HubSource, on_progress: OnProgress) -> str:
        """Make one attempt; return why it may have failed.

        Raises ``HubFailed`` if another attempt would be useless.
        """
        self._remove_broken(source)
        # The library itself would try for more than a minute.
        if not self.can_connect():
            return "the hub cannot be connected to"
        progress = _DownloadProgress(lambda: self._total_bytes(source), on_progress)
        try:
            folder = snapshot_download(
                source.repository,
                revision=source.revision,
                endpoint=self.endpoint,
                cache_dir=self.cache,
                allow_patterns=list(model_folder.LOADED_FILES),
                ignore_patterns=list(IGNORED_FILES),
                tqdm_class=_bar_class(progress),
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
        return f"the model {model_folder.find_problem(Path(folder)) or 'is cut short'}"

    def _folder(self, source: HubSource) -> Path:
        """Return the folder in which the library keeps the files of this revision."""
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

    def listed_digests(self, source: HubSource) -> ExpectedDigests:
        """Return the git object ids of the files of this revision, as the hub lists."""
        return ExpectedDigests(
            f"the hub's list of revision {source.revision[:12]}",
            git={file.path: file.blob_id for file in self._tree(source)},
        )

    def _tree(self, source: HubSource) -> list[RepoFile]:
        """Return the wanted files as the hub listed them; empty if it never did."""
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

    def _incomplete_files(self, source: HubSource, folder: Path) -> list[Path]:
        """Return files whose size differs from the hub's list, or that are missing."""
        files = {folder / name: size for name, size in self._sizes(source).items()}
        return [
            path
            for path, size in files.items()
            if not path.is_file() or path.stat().st_size != size
        ]

    def _remove_broken(self, source: HubSource) -> None:
        """Delete incomplete files, so that the library fetches them again."""
        folder = self._folder(source)
        if folder.is_dir():
            for path in {
                *model_folder.incomplete_files(folder),
                *self._incomplete_files(source, folder),
            }:
                path.resolve().unlink(missing_ok=True)
                path.unlink(missing_ok=True)


def _is_wanted(name: str) -> bool:
    return any(fnmatch(name, p) for p in model_folder.LOADED_FILES) and "/" not in name


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


class _DownloadProgress:
    """Reports the share of all bytes that is here, whenever it grows."""

    def __init__(self, total_bytes: Callable[[], int], on_progress: OnProgress) -> None:
        self._total_bytes = total_bytes
        self._on_progress = on_progress
        self._reported = 0.0
        self._lock = threading.Lock()

    def update(self, seen_bytes: float) -> None:
        """Take the bytes so far. Callable by any of the threads that download."""
        with self._lock:
            total = self._total_bytes()
            share = min(1.0, seen_bytes / total) if total else 0.0
            if share > self._reported:
                self._reported = share
                self._on_progress(share, "downloading")


def _bar_class(progress: _DownloadProgress) -> type[tqdm]:
    """Return a class of silent progress bars that pass their count on.

    The library opens several bars; each of those that count bytes sees every byte.
    """

    class Bar(tqdm):  # type: ignore[misc]  # untyped
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.counts_bytes = kwargs.get("unit") == "B"
            kwargs["disable"] = True
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if self.counts_bytes:
                progress.update(self.n)

    return Bar
