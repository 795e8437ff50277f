"""Power cuts: what was acknowledged is on the disk as it was at one instant.

SQLite stands on an ext4 image. Its writer is stopped, the image copied as it is, and
the copy mounted: what only the operating system knew is gone.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environment import IS_SOAK
from tests.processes import BOUND, ROOT

CUTS = 50 if IS_SOAK else 3
BETWEEN_SECONDS = 0.7
WRITER = """
import sys, uuid
import django
django.setup()
from django.core.management import call_command
from chat.models import User
call_command("migrate", verbosity=0)
while True:
    print(User.objects.guest(uuid.uuid4()).pk.hex, flush=True)
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    if subprocess.run(["mount", "-o", "loop", image, folder], check=False).returncode:
        pytest.skip("no image can be mounted here: power cuts are not tested")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    image, told = tmp_path / "image", tmp_path / "told"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with mounted(image, tmp_path / "disk") as disk, told.open("wb") as output:
        url = f"sqlite:///{disk}/chat.sqlite3"
        writer = subprocess.Popen(
            [*BOUND, sys.executable, "-c", WRITER],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": url},
            stdout=output,
        )
        try:
            deadline = time.monotonic() + 60
            while not told.stat().st_size:
                assert time.monotonic() < deadline, "no row was written"
                time.sleep(0.05)
            for number in range(CUTS):
                time.sleep(BETWEEN_SECONDS)
                cut(writer, image, told, tmp_path / f"cut-{number}")
        finally:
            writer.kill()
            writer.wait()


def cut(writer: subprocess.Popen[bytes], image: Path, told: Path, folder: Path) -> None:
    writer.send_signal(signal.SIGSTOP)
    acknowledged = set(told.read_text().split()[:-1])
    copy = folder.with_suffix(".ext4")
    shutil.copyfile(image, copy)
    writer.send_signal(signal.SIGCONT)
    with mounted(copy, folder) as disk:
        with sqlite3.connect(disk / "chat.sqlite3") as link:
            found = {row[0] for row in link.execute("SELECT id FROM chat_user")}
        link.close()
    copy.unlink()
    assert not acknowledged - found
