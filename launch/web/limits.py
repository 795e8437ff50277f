"""The limits of the web server on clients, from the settings."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from chatsite import settings
from launch.web.connections import State

MEGABYTE = 1_048_576
#: A refused client may still send, and this much is discarded: a paste of megabytes.
LINGER_SECONDS = 30
LINGER_MAX_BYTES = 16_777_216
#: Files that a process opens besides connections: databases, logs, sockets.
OTHER_FILES = 128
#: Where files are sent.
BATCH_PATHS = ("/v1/files", "/batches/")
IMPORT_PATHS = ("/api/v1/imports", "/imports/")
#: What surrounds a file in its request.
FORM_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many seconds each state may last, and how many connections there may be."""

    seconds: dict[State, float]
    connections: int
    connections_of_network: int
    parked: int
    body_bytes: int
    #: Larger limits of the paths to which files are sent.
    upload_bytes: dict[str, int]
    buffer_bytes: int
    stuck_seconds: float
    proxies: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of_settings(cls) -> ConnectionLimits:
        """Return the limits that the settings name."""
        return cls(
            seconds={
                State.IDLE: settings.WEB_IDLE_SECONDS,
                State.HEAD: settings.WEB_HEAD_SECONDS,
                State.BODY: settings.WEB_BODY_SECONDS,
                State.SENDING: settings.WEB_SEND_SECONDS,
                State.PARKED: settings.WEB_SEND_SECONDS,
                State.LINGERING: LINGER_SECONDS,
            },
            connections=settings.WEB_CONNECTIONS,
            connections_of_network=settings.WEB_CONNECTIONS_PER_NETWORK,
            parked=settings.WEB_PARKED,
            body_bytes=settings.BODY_MAX_BYTES,
            upload_bytes={
                f"{settings.URL_PREFIX}{path}": most + FORM_BYTES
                for paths, most in (
                    (BATCH_PATHS, settings.BATCH_FILE_MAX_BYTES),
                    (IMPORT_PATHS, settings.IMPORT_FILE_MAX_BYTES),
                )
                for path in paths
            },
            buffer_bytes=settings.WEB_BUFFER_MB * MEGABYTE,
            stuck_seconds=settings.WEB_STUCK_SECONDS,
            proxies=settings.TRUSTED_PROXIES.networks,
        )


def allow_open_files(connections: int) -> int:
    """Let this process open so many connections; return how many it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - OTHER_FILES))
