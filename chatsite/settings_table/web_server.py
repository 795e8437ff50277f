"""Processes, connections and time limits of the web server."""

from __future__ import annotations

from chatsite.machine import MEBI
from chatsite.setting_types import Integer, Number

TITLE = "Web server"
INTRODUCTION = ""

#: The threads of more processes could use up PostgreSQL's default of 100 connections.
DEFAULT_PROCESSES_MAX = 4
#: What the model and the system need besides leaves room for one process a gibibyte.
MEBI_OF_PROCESS = 1024


def default_processes(cores: int, memory_bytes: int, *, has_sqlite: bool) -> int:
    """Return how many web processes a machine runs, unless it is told.

    With SQLite one: its writers queue within a process only, and on a busy machine two
    processes keep each other from writing until messages are refused. With PostgreSQL
    the other half of the cores remains for the worker, the keeper and Redis.
    """
    if has_sqlite:
        return 1
    fitting = memory_bytes // (MEBI_OF_PROCESS * MEBI)
    return max(1, min(cores // 2, fitting, DEFAULT_PROCESSES_MAX))


WEB_PROCESSES = Integer(
    "WEB_PROCESSES",
    1,
    minimum=1,
    maximum=64,
    default_note="1 with SQLite; with PostgreSQL half as many as cores, one for each "
    f"GB of memory at most, from 1 to {DEFAULT_PROCESSES_MAX}",
    about="Processes of the web server.",
)
WEB_THREADS = Integer(
    "WEB_THREADS",
    16,
    minimum=1,
    maximum=1024,
    about="Requests that each process handles at the same time.",
)
# A browser has up to six connections, a school of 100 browsers one address.
WEB_CONNECTIONS = Integer(
    "WEB_CONNECTIONS",
    2000,
    minimum=10,
    maximum=1_000_000,
    about="Connections of one process. Beyond them a new one ends the one that has "
    "waited longest.",
)
WEB_CONNECTIONS_PER_NETWORK = Integer(
    "WEB_CONNECTIONS_PER_NETWORK",
    600,
    minimum=1,
    maximum=1_000_000,
    about="Connections of one address (of IPv6 a /64) to one process. The proxies in "
    "`TRUSTED_PROXIES` do not count.",
)
WEB_PARKED = Integer(
    "WEB_PARKED",
    1000,
    minimum=1,
    maximum=1_000_000,
    about="Calls of the API that wait for a reply in one process, or receive it bit by "
    "bit. Beyond them a call gets a 503.",
)
STREAM_SECONDS = Number(
    "STREAM_SECONDS",
    0.1,
    minimum=0.02,
    maximum=10,
    about="How often a web process asks for new text of the replies that calls of the "
    "API wait for, all of them in one trip.",
)
LONG_POLL_SECONDS = Number(
    "LONG_POLL_SECONDS",
    50,
    minimum=1,
    maximum=3600,
    about="The longest time that a call of the API with `wait` waits for a reply. "
    "Proxies end a request that is silent for a minute.",
)
WEB_BUFFER_MB = Integer(
    "WEB_BUFFER_MB",
    64,
    minimum=1,
    maximum=1_000_000,
    about="Memory of one process for requests that have not fully arrived and answers "
    "that have not been taken. Beyond it those that have waited longest end.",
)
# The longest message needs 2 kB/s.
WEB_HEAD_SECONDS = Integer(
    "WEB_HEAD_SECONDS",
    10,
    minimum=1,
    maximum=3600,
    about="How long the head of a request may take to arrive (408).",
)
WEB_BODY_SECONDS = Integer(
    "WEB_BODY_SECONDS",
    120,
    minimum=1,
    maximum=86_400,
    about="How long the body of a request may take to arrive (408).",
)
WEB_SEND_SECONDS = Integer(
    "WEB_SEND_SECONDS",
    30,
    minimum=1,
    maximum=3600,
    about="How long a client may take nothing of its answer.",
)
WEB_IDLE_SECONDS = Integer(
    "WEB_IDLE_SECONDS",
    20,
    minimum=1,
    maximum=3600,
    about="How long a connection without a request is kept.",
)
WEB_FROZEN_SECONDS = Integer(
    "WEB_FROZEN_SECONDS",
    10,
    minimum=2,
    maximum=3600,
    about="A process whose main loop stands still for so long is replaced.",
)
WEB_STUCK_SECONDS = Integer(
    "WEB_STUCK_SECONDS",
    60,
    minimum=1,
    maximum=86_400,
    about="A process whose threads all stand still for so long while requests wait is "
    "replaced.",
)
DATABASE_WAIT_SECONDS = Number(
    "DATABASE_WAIT_SECONDS",
    10,
    minimum=0.1,
    about="The longest time that a write waits for other writers. Then the request is "
    "refused (503), and the page keeps the typed text.",
)
WRITERS_WAITING_MAX = Integer(
    "WRITERS_WAITING_MAX",
    8,
    minimum=1,
    default_note="half of WEB_THREADS",
    about="Threads of one process that may wait while another process holds the "
    "database. Further writes are refused at once, so that pages and polls continue.",
)
