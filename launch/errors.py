"""The error that ends a start."""

from __future__ import annotations


class LaunchError(Exception):
    """One line for a person: what is wrong and what to do about it.

    ``status`` is the exit status of the program: 2 for a bad setting, otherwise 1.
    """

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status
