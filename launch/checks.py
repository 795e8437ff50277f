"""Checks before anything is started: limits, static files, port, Redis, compiler."""

from __future__ import annotations

import errno
import resource
import socket
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatsite.hosts import resolve
from chatsite.machine import find_compilers
from chatsite.redis_url import parse
from launch.config import LaunchConfig
from launch.errors import LaunchError

REDIS_SECONDS = 5
#: supervisord's own minimums, which it checks before it starts anything.
OPEN_FILES_MIN, PROCESSES_MIN = 1024, 200


def check_system_limits() -> None:
    """Raise ``LaunchError`` if the system allows less than supervisord needs."""
    needs = (
        (resource.RLIMIT_NOFILE, OPEN_FILES_MIN, "open files", "-n"),
        (resource.RLIMIT_NPROC, PROCESSES_MIN, "processes", "-u"),
    )
    for kind, least, what, option in needs:
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY and hard < least:
            raise LaunchError(
                f"The system allows {hard} {what} here, and the site needs {least}: "
                f"raise the limit (ulimit {option} {least}, or where it is set: "
                "limits.conf, LimitNOFILE= or LimitNPROC=, --ulimit) and start again."
            )


def check_static_files() -> None:
    """Raise ``LaunchError`` if files that pages load are missing."""
    from chatsite import settings, static_files

    if said := static_files.refusal(settings.STATIC_ROOT, settings.STATICFILES_DIRS):
        raise LaunchError(said, status=2)


def check_port(config: LaunchConfig) -> None:
    """Raise ``LaunchError`` if the web server cannot listen on BIND and PORT."""
    try:
        family, address = resolve(config.bind, config.port)
    except OSError:
        raise LaunchError(f"BIND={config.bind} is no address.", status=2) from None
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
            trial.listen(1)
        except OSError as error:
            raise _port_error(config, error) from None


def _port_error(config: LaunchConfig, error: OSError) -> LaunchError:
    if error.errno == errno.EADDRINUSE:
        other = config.port + 1 if config.port < 65535 else config.port - 1
        return LaunchError(
            f"port {config.port} is taken; choose another: make run PORT={other}"
        )
    if error.errno == errno.EACCES:
        return LaunchError(
            f"port {config.port} is not allowed here; choose one above 1023."
        )
    return LaunchError(
        f"Cannot listen on {config.bind}:{config.port}: {error.strerror}."
    )


def check_redis(config: LaunchConfig) -> None:
    """Raise ``LaunchError`` if the server at REDIS_URL does not answer."""
    try:
        address = parse(config.redis_url, config.redis_ca_file)
        with redis.Redis(
            socket_connect_timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
            **address.client_options(),
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise LaunchError(f"Cannot reach Redis at REDIS_URL: {reason}.") from None


def compiler_hint(data_dir: Path, precision: str) -> str:
    """Return what a C compiler would gain; empty if the machine has, or had, one.

    ``precision``: of ``WORKER_PRECISION``. A worker for int8 says itself what it needs.
    """
    is_built = any((data_dir / "native").glob("engine-*.so"))
    if is_built or precision == "int8" or find_compilers():
        return ""
    return (
        "There is no C compiler (cc) here. None is needed; with one, a worker without"
        " a GPU writes two to four times as fast, from its next start on."
    )
