"""The one way in which starting is refused."""

from __future__ import annotations


class LaunchError(Exception):
    """One line for a person: what is wrong and what to do about it."""

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status
