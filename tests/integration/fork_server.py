"""Forks programs from a process that has imported what all of them import.

Reads a line of JSON for each order and answers with one: a program to start is answered
with its process id, the id of one with its exit code, or null while it runs. It ends,
and with it all that it started, when its input does.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from importlib import import_module

from launch.die_with_parent import die_with_parent, watch_parent
from worker.engine import scripted

#: What a worker imports, as far as it does not read the settings.
PRELOADED = (
    *("celery.app.amqp", "celery.app.events", "celery.app.log"),
    *("celery.apps.worker", "celery.backends.base", "celery.bin.celery"),
    *("celery.concurrency.thread", "celery.worker.autoscale"),
    *("celery.worker.components", "celery.worker.consumer", "celery.worker.strategy"),
    *("kombu.transport.redis", "django.utils.log"),
    *("huggingface_hub.hf_api", "huggingface_hub._snapshot_download", "truststore"),
    *("chatsite.catalog", "chatsite.logs", "chatsite.mailbox"),
    "chatsite.settings_table",
)


def main() -> None:
    for name in PRELOADED:
        import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        if "pid" in order:
            pid, status = os.waitpid(order["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif (answer := os.fork()) == 0:
            become(**order)
            return
        print(json.dumps(answer), flush=True)


def become(
    arguments: list[str], environment: dict[str, str], log: str, pace_seconds: float
) -> None:
    """Run the program, in a group and with an output of its own."""
    os.setsid()
    if sys.platform == "linux":
        die_with_parent(signal.SIGKILL, os.getppid())
    else:
        watch_parent(signal.SIGKILL, os.getppid())
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    for file, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(file, standard)
    os.environ.clear()
    os.environ.update(environment)
    scripted.DEFAULT_DELAY_SECONDS = pace_seconds
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
