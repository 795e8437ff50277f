"""Valkey starts again after a power cut, whatever its files look like."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from launch import valkey_recovery
from launch.programs import valkey_command
from tests.launch.process_tree import eventually
from tests.valkey import Valkey


def one(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "appendonlydir").glob(pattern)
    return found


def append(folder: Path, tail: bytes) -> None:
    with one(folder, "*.incr.aof").open("ab") as file:
        file.write(tail)


def overwrite(file: Path, start: int) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:start] + bytes(30) + content[start + 30 :])


TORN = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nab"
DAMAGES: dict[str, Callable[[Path], object]] = {
    "1 NUL byte": lambda folder: append(folder, bytes(1)),
    "700 NUL bytes": lambda folder: append(folder, bytes(700)),
    "5000 NUL bytes": lambda folder: append(folder, bytes(5000)),
    "a torn record": lambda folder: append(folder, TORN),
    "a torn record before others": lambda folder: append(folder, TORN + TORN + TORN),
    "an empty manifest": lambda folder: one(folder, "*.manifest").write_bytes(b""),
    "a torn manifest": lambda folder: one(folder, "*.manifest").write_bytes(b"file a"),
    "no base": lambda folder: one(folder, "*.base.rdb").unlink(),
    "a base of NUL bytes": lambda folder: one(folder, "*.base.rdb").write_bytes(
        bytes(88)
    ),
    "NUL bytes amid a base": lambda folder: overwrite(one(folder, "*.base.rdb"), 30),
    "a file for a folder": lambda folder: (
        shutil.rmtree(folder / "appendonlydir"),
        (folder / "appendonlydir").touch(),
    ),
    "an empty base": lambda folder: one(folder, "*.base.rdb").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_once_at_most(damage: str, tmp_path: Path) -> None:
    folder, socket = tmp_path / "valkey", tmp_path / "socket"
    before = Valkey(socket, folder)
    before.start(is_persistent=True)
    before.client.set("a", "b")
    before.stop()
    DAMAGES[damage](folder)
    log = tmp_path / "valkey.log"
    script = [
        sys.executable,
        "-I",
        "-S",
        valkey_recovery.__file__,
        str(log),
        str(folder),
    ]
    client = impatient(socket)
    with log.open("ab") as output:
        for _ in range(2):
            command = [*script, *valkey_command(folder, socket)]
            process = subprocess.Popen(command, stdout=output, stderr=output)
            try:
                eventually(
                    lambda p=process: p.poll() is not None or answers(client),  # type: ignore[misc]
                    10,
                    "an end or an answer",
                )
                if process.poll() is None:
                    break
            finally:
                process.terminate()
                process.wait()
        else:
            raise AssertionError(log.read_text()[-3000:])


def test_half_a_copy_of_the_queue_does_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    left = [folder / "temp-rewriteaof-7.aof", tmp_path / "temp-rewriteaof-bg-7.aof"]
    for file in left:
        file.write_text("what somebody wrote")
    script = [
        sys.executable,
        "-I",
        "-S",
        valkey_recovery.__file__,
        str(tmp_path / "log"),
    ]
    subprocess.run([*script, str(tmp_path), sys.executable, "-V"], check=True)
    assert not any(file.exists() for file in left)


def impatient(socket: Path) -> redis.Redis:
    """Return a client that does not try again for seconds when the server has ended."""
    return redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_files_of_a_newer_server_are_left_and_named(tmp_path: Path) -> None:
    folder, log = tmp_path / "valkey", tmp_path / "valkey.log"
    before = Valkey(tmp_path / "socket", folder)
    before.start(is_persistent=True)
    before.stop()
    base = one(folder, "*.base.rdb")
    newer = base.read_bytes()[:6] + b"999" + base.read_bytes()[9:]
    base.write_bytes(newer)
    script = [
        sys.executable,
        "-I",
        "-S",
        valkey_recovery.__file__,
        str(log),
        str(folder),
    ]
    for last in ("AOF loading aborted", "rebuilds what it holds.", "loading aborted"):
        with log.open("ab") as output:
            command = [*script, *valkey_command(folder, tmp_path / "socket")]
            status = subprocess.call(command, stdout=output, stderr=output)
        assert status == 1
        assert last in log.read_text().splitlines()[-1]
    assert base.read_bytes() == newer


def test_files_that_may_be_good_are_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    broken = "Bad file format reading the append only file x"
    for line, is_broken in {
        broken: True,
        f"Can't handle RDB format version 99\n{broken}": False,
        f"No space left on device\n{broken}": False,
        "Failed opening Unix socket: bind: Address already in use": False,
    }.items():
        log.write_text(f"{broken}\n{valkey_recovery.STARTS}\n{line}\n")
        assert valkey_recovery.has_refused(log) is is_broken
