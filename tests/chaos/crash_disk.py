"""A disk that can lose its power: an ext4 image whose copy is what a cut leaves.

A copy of the mounted image holds what the operating system has written to the disk. It
lacks all that it still keeps in memory, as after a power cut.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE_BYTES = 256 << 20


class NoDisk(RuntimeError):
    """No image can be mounted here; the message says why."""


def make_image(image: Path) -> None:
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run("mkfs.ext4", "-q", "-F", str(image))


@contextmanager
def mounted(image: Path, folder: Path, commit_seconds: int = 5) -> Iterator[Path]:
    """Mount ``image`` on ``folder``, which is made; ext4 writes its journal that often.

    Raises ``NoDisk``.
    """
    folder.mkdir()
    _run("mount", "-o", f"loop,commit={commit_seconds}", str(image), str(folder))
    try:
        yield folder
    finally:
        # Lazily: a program may still be ending. The loop device goes with the mount.
        subprocess.run(["umount", "-l", folder], check=False)


def copy_at_one_instant(image: Path, folder: Path, copy: Path) -> None:
    """Copy the image that is mounted on ``folder``, as it is between two writes.

    All programs that write there must be stopped; the kernel itself may go on writing,
    and then the copy is made again.
    """
    while True:
        before = _writes(folder)
        _run("cp", "--sparse=always", str(image), str(copy))
        if before[1] == 0 and _writes(folder) == before:
            return


def _writes(folder: Path) -> tuple[int, int]:
    """How many writes the disk has done, and how many requests are on their way.

    https://docs.kernel.org/block/stat.html
    """
    device = os.stat(folder).st_dev
    place = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    fields = place.read_text().split()
    return int(fields[4]), int(fields[8])


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as error:
        raise NoDisk(f"{command[0]}: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        raise NoDisk(f"{command[0]}: {error.stderr.strip()}") from error
