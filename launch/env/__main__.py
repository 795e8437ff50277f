"""Makes the virtual environment, then becomes a command of the Python in it.

    python3 -m launch.env run -m launch

Run by whatever Python the machine has: standard library only.
"""

from __future__ import annotations

import os
import signal
import sys

OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Ensure what the set named first needs, then run the rest, if there is a rest."""
    if sys.version_info < OLDEST:
        return _give_way(arguments)
    from launch.env import virtualenv
    from launch.errors import LaunchError

    # An exception ends a running installer too; a bare signal would leave it behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        virtualenv.ensure(arguments[0], os.environ.get("TORCH", ""))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("\nStopped; the next start takes it up again.", file=sys.stderr)
        return 130
    if arguments[1:]:
        sys.stdout.flush()
        os.execv(virtualenv.PYTHON, [str(virtualenv.PYTHON), *arguments[1:]])
    return 0


def _end(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _give_way(arguments: list[str]) -> int:
    """Hand over to a newer Python if the machine has one beside this one."""
    import shutil

    here = ".".join(map(str, sys.version_info[:2]))
    for minor in (14, 13, 12, 11):
        newer = shutil.which(f"python3.{minor}")
        if newer and _works(newer):
            os.execv(newer, [newer, "-m", "launch.env", *arguments])
    print(
        f"This needs Python 3.11 or newer, not {here}; "
        "install one, or name it: make run PYTHON=/path/to/python3.11",
        file=sys.stderr,
    )
    return 1


def _works(python: str) -> bool:
    """A name alone proves nothing: version managers leave stubs that only fail."""
    import subprocess

    ran = subprocess.run([python, "-c", ""], stderr=subprocess.DEVNULL, check=False)
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
