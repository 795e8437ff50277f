"""What this start is about: read once from the settings, then only read."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from chatsite.hosts import ANY_ADDRESS
from launch import socket_folder
from launch.errors import LaunchError

Role = Literal["site", "worker"]

DEFAULT_GRACE_SECONDS = "5"


@dataclass(frozen=True, slots=True)
class LaunchConfig:
    """Everything a start needs to know."""

    role: Role
    data_dir: Path
    bind: str
    port: int
    redis_url: str
    has_own_valkey: bool
    workers: int
    worker_slots: int
    worker_grace_seconds: float
    #: Who vouches for the server behind ``rediss://``, if not the system's list.
    redis_ca_file: Path | None = None
    is_https_only: bool = False
    site_url: str = ""
    #: The path of the site, ``/chat``, if it does not stand at the root.
    prefix: str = ""
    #: Where sockets lie if the path of ``run_dir`` is too long for them.
    sockets: Path | None = None

    @property
    def home(self) -> Path:
        """A worker beside a site on one machine must not share its run files."""
        return self.data_dir if self.role == "site" else self.data_dir / "worker"

    @property
    def run_dir(self) -> Path:
        return self.home / "run"

    @property
    def log_dir(self) -> Path:
        return self.home / "log"

    @property
    def socket_dir(self) -> Path:
        return self.sockets or self.run_dir

    @property
    def valkey_dir(self) -> Path:
        return self.data_dir / "valkey"

    @property
    def valkey_socket(self) -> Path:
        return self.socket_dir / "valkey.sock"

    @property
    def host(self) -> str:
        """The name under which a browser on this machine finds the site."""
        host = "127.0.0.1" if self.bind in ANY_ADDRESS else self.bind.strip("[]")
        return f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        path = f"{self.prefix}/" if self.prefix else ""
        return f"http://{self.host}:{self.port}{path}"

    @property
    def address(self) -> str:
        """Where a person finds the site, in words."""
        if not self.is_https_only:
            return self.url
        public = f"{self.site_url or 'https://…'}{self.prefix}"
        return f"{public} through your proxy, from {self.url}"


def read_config(role: Role) -> LaunchConfig:
    """The plan for this environment, which it completes for the children.

    Raises ``LaunchError`` on any bad value, the other programs' settings included.
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
    os.environ["DATA_DIR"] = str(data_dir)
    home = data_dir if role == "site" else data_dir / "worker"
    sockets = socket_folder.choose(home / "run")
    if has_own_valkey:
        os.environ["REDIS_URL"] = f"unix://{quote(str(sockets / 'valkey.sock'))}"
    if not worker.WORKER_GRACE_SECONDS.is_set():
        os.environ["WORKER_GRACE_SECONDS"] = DEFAULT_GRACE_SECONDS
    from chatsite import settings
    from chatsite.catalog import CatalogError
    from chatsite.model_choice import model_entry

    try:
        model_entry()
    except CatalogError as error:
        raise LaunchError(f"CHAT_MODEL, CHAT_CATALOG: {error}", status=2) from None
    if not settings.WORKER_THREADS:
        os.environ["WORKER_THREADS"] = str(max(1, cores() // max(1, settings.WORKERS)))

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
        is_https_only=settings.HTTPS_ONLY,
        site_url=settings.SITE_URL,
        prefix=settings.URL_PREFIX,
        sockets=sockets,
    )


def _check_worker(*, has_own_valkey: bool, workers: str) -> None:
    """Raises ``LaunchError`` where workers alone make no sense."""
    if has_own_valkey:
        raise LaunchError(
            "A worker needs the site's Redis: make worker REDIS_URL=redis://host:6379/0"
        )
    if workers == "0":
        raise LaunchError(
            "WORKERS=0 is for a site whose workers run elsewhere.", status=2
        )


def cores() -> int:
    """Cores this process may use, which in a container are not all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_folders(plan: LaunchConfig) -> None:
    """Make the folders, closed to other people. Raises ``LaunchError``."""
    own = [plan.valkey_dir] if plan.has_own_valkey else []
    for folder in (plan.data_dir, plan.run_dir, plan.log_dir, *own):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LaunchError(f"Cannot make {folder}: {error.strerror}.") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise LaunchError(f"Cannot write into the folder {folder}.")
