"""The configuration of one start, taken from the settings."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from chatsite.hosts import ANY_ADDRESS
from chatsite.machine import cores
from launch import socket_folder
from launch.errors import LaunchError

Role = Literal["site", "worker"]

DEFAULT_GRACE_SECONDS = "5"


@dataclass(frozen=True, slots=True)
class LaunchConfig:
    """The configuration of one start."""

    role: Role
    data_dir: Path
    bind: str
    port: int
    redis_url: str
    has_own_valkey: bool
    workers: int
    worker_slots: int
    worker_grace_seconds: float
    worker_precision: str = "auto"
    #: The models of each worker process: one of its own, or all on other servers. No
    #: name stands for the model that is chosen later.
    models: tuple[tuple[str, ...], ...] = ((),)
    #: How many worker processes compute a model, and so divide memory and cores.
    computing_workers: int = 1
    #: Certificate authorities for ``rediss://``, if not the system's.
    redis_ca_file: Path | None = None
    is_https_only: bool = False
    site_url: str = ""
    #: The path of the site, such as ``/chat``; empty at the root.
    prefix: str = ""
    #: The folder for sockets, if the path of ``run_dir`` is too long for them.
    sockets: Path | None = None

    @property
    def home(self) -> Path:
        """The folder for run files and logs: site and worker have one each."""
        return self.data_dir if self.role == "site" else self.data_dir / "worker"

    @property
    def run_dir(self) -> Path:
        """The folder for the lock, process ids and sockets."""
        return self.home / "run"

    @property
    def log_dir(self) -> Path:
        """The folder for the logs of the programs."""
        return self.home / "log"

    @property
    def socket_dir(self) -> Path:
        """The folder for Unix sockets."""
        return self.sockets or self.run_dir

    @property
    def valkey_dir(self) -> Path:
        """The folder for the files of the embedded Valkey."""
        return self.data_dir / "valkey"

    @property
    def valkey_socket(self) -> Path:
        """The socket of the embedded Valkey."""
        return self.socket_dir / "valkey.sock"

    @property
    def host(self) -> str:
        """The host under which a browser on this machine finds the site."""
        host = "127.0.0.1" if self.bind in ANY_ADDRESS else self.bind.strip("[]")
        return f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """The URL of the site for a browser on this machine."""
        path = f"{self.prefix}/" if self.prefix else ""
        return f"http://{self.host}:{self.port}{path}"

    @property
    def address(self) -> str:
        """The URL of the site, or how to reach it through a proxy, for a person."""
        if not self.is_https_only:
            return self.url
        public = f"{self.site_url or 'https://…'}{self.prefix}"
        return f"{public} through your proxy, from {self.url}"


def read_config(role: Role) -> LaunchConfig:
    """Read the configuration, and set the variables that the programs need.

    Raises ``LaunchError`` on any bad value, also of settings of the other programs.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    try:
        with warnings.catch_warnings(action="ignore"):
            return _read(role)
    except ImproperlyConfigured as error:
        raise LaunchError(" ".join(str(error).split()), status=2) from None
    except OSError as error:
        raise LaunchError(f"Cannot use {error.filename}: {error.strerror}.") from None


def _read(role: Role) -> LaunchConfig:
    from chatsite.settings_table import storage, worker

    has_own_valkey = not storage.REDIS_URL.is_set()
    if role == "worker":
        _check_worker(has_own_valkey=has_own_valkey, workers=worker.WORKERS.raw())
    data_dir = storage.DATA_DIR.read()
    home = data_dir if role == "site" else data_dir / "worker"
    sockets = socket_folder.choose(home / "run")
    os.environ["DATA_DIR"] = str(data_dir)
    if has_own_valkey:
        os.environ["REDIS_URL"] = f"unix://{quote(str(sockets / 'valkey.sock'))}"
    if not worker.WORKER_GRACE_SECONDS.is_set():
        os.environ["WORKER_GRACE_SECONDS"] = DEFAULT_GRACE_SECONDS
    # The settings are read only now, with the variables above.
    from chatsite import settings

    models, computed = _models_of_processes()
    computing_workers = settings.WORKERS * computed
    if not settings.WORKER_THREADS:
        os.environ["WORKER_THREADS"] = str(max(1, cores() // max(1, computing_workers)))
    return LaunchConfig(
        role=role,
        data_dir=data_dir,
        bind=settings.BIND,
        port=settings.PORT,
        redis_url=settings.REDIS_URL,
        redis_ca_file=settings.REDIS_CA_FILE,
        has_own_valkey=has_own_valkey,
        workers=settings.WORKERS,
        worker_slots=settings.WORKER_SLOTS,
        worker_grace_seconds=settings.WORKER_GRACE_SECONDS,
        worker_precision=settings.WORKER_PRECISION,
        is_https_only=settings.HTTPS_ONLY,
        site_url=settings.SITE_URL,
        prefix=settings.URL_PREFIX,
        models=models,
        computing_workers=computing_workers,
        sockets=sockets,
    )


def _models_of_processes() -> tuple[tuple[tuple[str, ...], ...], int]:
    """Return the models of each worker process, and how many processes compute one.

    Raises ``LaunchError`` if CHAT_MODEL, CHAT_MODELS or the catalogue is bad.
    """
    from django.conf import settings

    from chatsite.catalog import CatalogError
    from chatsite.model_choice import model_entry, served_entries

    try:
        model_entry()
        entries = served_entries()
    except CatalogError as error:
        problem = f"CHAT_MODEL, CHAT_MODELS, CHAT_CATALOG: {error}"
        raise LaunchError(problem, status=2) from None
    if not settings.CHAT_MODELS:
        return ((),), 1
    remote = tuple(entry.name for entry in entries if entry.remote is not None)
    own = [(entry.name,) for entry in entries if entry.remote is None]
    return (*own, *([remote] if remote else [])), len(own)


def _check_worker(*, has_own_valkey: bool, workers: str) -> None:
    """Raise ``LaunchError`` if no worker could run with these settings."""
    if has_own_valkey:
        raise LaunchError(
            "A worker needs the site's Redis: make worker REDIS_URL=redis://host:6379/0"
        )
    if workers == "0":
        raise LaunchError(
            "WORKERS=0 is for a site whose workers run elsewhere.", status=2
        )


def make_folders(plan: LaunchConfig) -> None:
    """Make the folders, readable by this account only. Raises ``LaunchError``."""
    own = [plan.valkey_dir] if plan.has_own_valkey else []
    for folder in (plan.data_dir, plan.run_dir, plan.log_dir, *own):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LaunchError(f"Cannot make {folder}: {error.strerror}.") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise LaunchError(f"Cannot write into the folder {folder}.")
