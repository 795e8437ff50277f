"""Hosts on one switch: network namespaces, joined by a bridge."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BRIDGE = f"chat{os.getpid() % 100_000}"
NETWORK = "10.77.0"
CLONE_NEWNET = 0x40000000
#: The address of the tests themselves.
OUTSIDE = f"{NETWORK}.254"


def missing() -> str:
    """Why there can be no hosts here; empty if there can."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux only"
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need root and iproute2"
    try:
        _ip("netns", "add", f"{BRIDGE}-try")
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed here: {error.stderr.strip()}"
    _ip("netns", "delete", f"{BRIDGE}-try")
    return ""


class Host:
    """One namespace with one address, and a link that can be cut."""

    def __init__(self, name: str, number: int) -> None:
        self.name = f"{BRIDGE}-{name}"
        self.address = f"{NETWORK}.{number}"
        self._link = f"{BRIDGE}v{number}"

    def make(self) -> None:
        _ip("netns", "add", self.name)
        inner = ("peer", "name", "eth0", "netns", self.name)
        _ip("link", "add", self._link, "type", "veth", *inner)
        _ip("link", "set", self._link, "master", BRIDGE, "up")
        _ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", link, "up")

    def cut(self) -> None:
        """Pull the plug."""
        _ip("link", "set", self._link, "down")

    def restore(self) -> None:
        _ip("link", "set", self._link, "up")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread starts or opens meanwhile belongs to the host."""
        with (
            Path("/proc/thread-self/ns/net").open() as before,
            Path("/run/netns", self.name).open() as there,
        ):
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "delete", self.name)


@contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """Make hosts on one switch, and remove all of it."""
    made = [Host(name, number) for number, name in enumerate(names, 1)]
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("address", "add", f"{OUTSIDE}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for host in made:
            host.make()
        yield made
    finally:
        for host in made:
            host.remove()
        _ip("link", "delete", BRIDGE)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
