"""Runs the programs under supervisord, and calls its XML-RPC interface."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from chatsite.startup import (
    ENDED_STATUS,
    LACKING_STATUS,
    REFUSED_STATUS,
    UNLOADABLE_STATUS,
)
from launch.config import LaunchConfig
from launch.die_with_parent import PARENT, ended_with_parent
from launch.errors import LaunchError
from launch.exit_reason import exit_reason
from launch.programs import Program, is_worker

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 15
#: All programs but Valkey stop together, then Valkey; then the rest is killed.
STOP_MARGIN_SECONDS = 1.5
#: supervisord waits a second longer after each failure. So it gives up early, and
#: ``revive`` resets its count: it waits six seconds at most and tries for ever.
RETRIES = 3
VALKEY = "valkey"
OTHERS = "chatsite"

HEAD = """\
[supervisord]
nodaemon=true
silent=true
nocleanup=true
pidfile=run/supervisord.pid
logfile=log/supervisord.log
logfile_maxbytes=2MB
logfile_backups=2

[unix_http_server]
file=%(ENV_CHATSITE_SUPERVISOR)s
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[group:{others}]
programs={members}
priority=20
"""
PROGRAM = """
[program:{name}]
command=%(ENV_{command})s
directory=%(ENV_CHATSITE_ROOT)s
priority=10
autostart={autostart}
autorestart=unexpected
exitcodes={final_statuses}
startsecs=1
startretries={retries}
stopwaitsecs={stop_seconds}
redirect_stderr=true
stdout_logfile=log/{name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=3
"""


class Supervisor:
    """One supervisord and its programs, which end with this process."""

    def __init__(self, config: LaunchConfig, programs: Iterable[Program]) -> None:
        self._config = config
        self._programs = list(programs)
        self._socket = config.socket_dir / "supervisor.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start supervisord and all programs but workers. Raises ``LaunchError``."""
        conf = self._config.run_dir / "supervisord.conf"
        conf.write_text(self._conf_text(), encoding="utf-8")
        self._socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(conf)]
        errors = self._config.log_dir / "supervisord.err"
        self._process = subprocess.Popen(
            ended_with_parent("TERM", command),
            # Relative paths begin here: supervisord would expand percent signs in the
            # names of log files twice.
            cwd=self._config.home,
            env={
                **os.environ,
                **self._variables(),
                PARENT: str(os.getpid()),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal reaches the launcher alone.
            start_new_session=True,
        )
        Thread(
            target=_copy_output, args=(self._process.stdout, errors), daemon=True
        ).start()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.is_alive() or time.monotonic() > deadline:
                raise LaunchError(
                    f"The supervisor did not start: {exit_reason(errors)}; "
                    f"see {errors}."
                )
            time.sleep(0.05)

    @property
    def names(self) -> set[str]:
        """Names of all programs that supervisord should know."""
        return {program.name for program in self._programs}

    def is_alive(self) -> bool:
        """Return whether supervisord runs."""
        return self._process is not None and self._process.poll() is None

    def states(self) -> dict[str, dict[str, Any]]:
        """Return supervisord's information on each program, by name.

        Raises ``OSError``, ``HTTPException`` or ``ProtocolError`` if it has ended.
        """
        return {str(info["name"]): info for info in self._call("getAllProcessInfo")}

    def start_workers(self) -> None:
        """Start the programs that wait for the model."""
        for program in self._programs:
            if not program.starts_at_once:
                self._call("startProcess", f"{OTHERS}:{program.name}", False)

    def revive(self, name: str) -> None:
        """Start again a program that supervisord gave up on."""
        group = VALKEY if name == VALKEY else OTHERS
        try:
            self._call("startProcess", f"{group}:{name}", False)
        except Fault:
            return  # It runs already.

    def log(self, name: str) -> Path:
        """Return the log of a program."""
        return self._config.log_dir / f"{name}.log"

    @property
    def own_log(self) -> Path:
        """The log in which supervisord notes how programs ended."""
        return self._config.log_dir / "supervisord.log"

    def stop(self) -> None:
        """Stop every program and supervisord, after their grace period by SIGKILL."""
        if self._process is None:
            return
        longest = max(program.stop_seconds for program in self._programs)
        self._process.terminate()
        try:
            self._process.wait(longest + STOP_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill supervisord, and with it its programs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _answers(self) -> bool:
        try:
            self._call("getState")
        except OSError:
            return False
        return True

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        with ServerProxy("http://supervisor", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def _conf_text(self) -> str:
        names = [program.name for program in self._programs if program.name != VALKEY]
        head = HEAD.format(
            others=OTHERS,
            members=",".join(names),
        )
        return head + "".join(self._section(program) for program in self._programs)

    def _variables(self) -> dict[str, str]:
        """Return variables with paths and commands.

        In the configuration file ``#`` and ``;`` begin comments, also within quotes.
        """
        commands = {
            _variable(program): shlex.join(ended_with_parent("KILL", program.command))
            for program in self._programs
        }
        socket = str(self._socket)
        return commands | {"CHATSITE_ROOT": str(ROOT), "CHATSITE_SUPERVISOR": socket}

    def _section(self, program: Program) -> str:
        return PROGRAM.format(
            name=program.name,
            command=_variable(program),
            autostart="true" if program.starts_at_once else "false",
            retries=RETRIES,
            final_statuses=",".join(map(str, _final_statuses(program.name))),
            stop_seconds=program.stop_seconds,
        )


def _final_statuses(name: str) -> list[int]:
    """Return the exit statuses after which supervisord leaves a program alone.

    A worker that cannot load is started again by ``ProcessMonitor``, after a while.
    """
    retried_later = [REFUSED_STATUS, UNLOADABLE_STATUS] if is_worker(name) else []
    return [ENDED_STATUS, LACKING_STATUS, *retried_later]


def _copy_output(output: IO[bytes], file: Path) -> None:
    """Write supervisord's output to a file, as far as the disk has room.

    It goes through a pipe, because supervisord ends if it cannot print that a log could
    not be written.
    """
    with output, file.open("wb", buffering=0) as copy:
        for line in output:
            with suppress(OSError):
                copy.write(line)


def _variable(program: Program) -> str:
    return f"CHATSITE_COMMAND_{program.name.upper().replace('-', '_')}"
