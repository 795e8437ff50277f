"""Makes the virtual environment, then runs a command with the Python in it.

    python3 -m launch.env run -m launch

It runs under whatever Python the machine has, so it uses only the standard library.
"""

from __future__ import annotations

import os
import signal
import sys

OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Install the package set that is named first, then run the rest as a command."""
    if sys.version_info < OLDEST:
        return _run_with_newer_python(arguments)
    from launch.env import bundle, virtualenv
    from launch.errors import LaunchError

    # An exception also ends a running installer; the bare signal would leave it behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        bundle.use(os.environ.get("BUNDLE", ""))
        virtualenv.ensure(arguments[0], os.environ.get("TORCH", ""))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("\nStopped; the next start continues.", file=sys.stderr)
        return 130
    if arguments[1:]:
        sys.stdout.flush()
        os.execv(virtualenv.PYTHON, [str(virtualenv.PYTHON), *arguments[1:]])
    return 0


def _exit(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _run_with_newer_python(arguments: list[str]) -> int:
    """Start again under a newer Python, if the machine has one."""
    import shutil

    this = ".".join(map(str, sys.version_info[:2]))
    for minor in (14, 13, 12, 11):
        newer = shutil.which(f"python3.{minor}")
        if newer and _works(newer):
            os.execv(newer, [newer, "-m", "launch.env", *arguments])
    print(
        f"This needs Python 3.11 or newer, not {this}; "
        "install one, or name it: make run PYTHON=/path/to/python3.11",
        file=sys.stderr,
    )
    return 1


def _works(python: str) -> bool:
    """Run it once: version managers leave stubs of that name which only fail."""
    import subprocess

    ran = subprocess.run([python, "-c", ""], stderr=subprocess.DEVNULL, check=False)
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
