"""How gunicorn serves the site, here and in a container."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from chatsite import startup
from chatsite.hosts import listening
from launch.die_with_parent import die_with_parent
from launch.web.request_reader import HEAD_MAX_BYTES

startup.begin()
from chatsite import settings, static_files  # noqa: E402 - only what can be read

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
# Gunicorn would refuse requests from which a proxy has taken the prefix already.
os.environ["URL_PREFIX"] = settings.URL_PREFIX
os.environ.pop("SCRIPT_NAME", None)
worker_class = "launch.web.worker.WebWorker"
logger_class = "launch.web.error_responses.WebLogger"
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
#: Gunicorn ends a process whose main loop was silent for so long, and starts another.
timeout = settings.WEB_FROZEN_SECONDS
graceful_timeout = 4
#: Any but 0: how long an idle connection stays is for the worker to tell.
keepalive = settings.WEB_IDLE_SECONDS
#: The worker reads heads, and sends what clients are slow to take: see launch/web.
http_parser = "python"
limit_request_field_size = HEAD_MAX_BYTES
sendfile = False
#: The access log would say who chatted when; polls would fill the disk.
accesslog = None
errorlog = "-"
control_socket_disable = True
#: Whether a request came over HTTPS is decided by Django alone (TRUSTED_PROXIES).
secure_scheme_headers: dict[str, str] = {}
#: The heartbeat is a file's time stamp: on a busy disk that can stall a worker.
_MEMORY = "/dev/shm"  # noqa: S108  (gunicorn makes its file there safely)
worker_tmp_dir = _MEMORY if os.access(_MEMORY, os.W_OK) else None


def post_fork(server: Arbiter, _worker: Worker) -> None:
    """End with the parent. Elsewhere than on Linux gunicorn's own check must do."""
    if sys.platform == "linux":
        die_with_parent(signal.SIGKILL, server.pid)
