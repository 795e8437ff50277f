"""The configuration of gunicorn, for `make run` and for containers."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from chatsite import startup
from chatsite.hosts import listening
from launch.die_with_parent import die_with_parent
from launch.web.heap import collect_less_often, use_one_heap
from launch.web.metrics_files import forget_process, make_metrics_folder
from launch.web.request_reader import HEAD_MAX_BYTES

startup.begin()
from chatsite import settings, static_files  # noqa: E402 - settings that are valid

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

try:
    bind = listening(settings.BIND, settings.PORT)
except OSError as error:
    print(f"BIND={settings.BIND} is no address: {error.strerror}.", file=sys.stderr)
    raise SystemExit(startup.REFUSED_STATUS) from None
if missing := static_files.refusal(settings.STATIC_ROOT, settings.STATICFILES_DIRS):
    print(missing, file=sys.stderr)
    raise SystemExit(startup.REFUSED_STATUS)
# Otherwise gunicorn refuses requests from which a proxy has removed the prefix.
os.environ["URL_PREFIX"] = settings.URL_PREFIX
os.environ.pop("SCRIPT_NAME", None)
worker_class = "launch.web.worker.WebWorker"
logger_class = "launch.web.error_responses.WebLogger"
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
#: In seconds. Gunicorn replaces a process whose main loop was silent for so long.
timeout = settings.WEB_FROZEN_SECONDS
graceful_timeout = 4
#: Any value but 0: the worker decides how long an idle connection stays.
keepalive = settings.WEB_IDLE_SECONDS
#: The worker reads requests and sends answers to slow clients: see launch/web.
http_parser = "python"
limit_request_field_size = HEAD_MAX_BYTES
#: The most that gunicorn takes: a poll says of each growing reply which blocks are open
#: in it (STATE_BYTES_MAX in chat/rendering/markdown/text_state.py).
limit_request_line = 8190
sendfile = False
#: An access log would record who chatted when, and polls would fill the disk.
accesslog = None
errorlog = "-"
control_socket_disable = True
#: Django alone decides whether a request came over HTTPS (TRUSTED_PROXIES).
secure_scheme_headers: dict[str, str] = {}
#: The heartbeat is a file's time stamp, which can stall a worker on a busy disk.
_MEMORY = "/dev/shm"  # noqa: S108  (gunicorn makes its file there safely)
worker_tmp_dir = _MEMORY if os.access(_MEMORY, os.W_OK) else None

# Before any process imports the metrics, which read it then.
make_metrics_folder()


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """Forget what only a living process reports."""
    forget_process(worker.pid)


def post_fork(server: Arbiter, _worker: Worker) -> None:
    """Share one heap, and end with the parent.

    Other systems than Linux have only gunicorn's own check of the parent.
    """
    use_one_heap()
    if sys.platform == "linux":
        die_with_parent(signal.SIGKILL, server.pid)


def post_worker_init(_worker: Worker) -> None:
    """Spend less on garbage collection, once the program is loaded."""
    collect_less_often()
