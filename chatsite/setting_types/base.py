"""What all types of settings have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

from chatsite.environment import described, value_of
from chatsite.server_url import shown

T = TypeVar("T")


class BadValue(ValueError):
    """A value that a setting does not take.

    The message continues a sentence that begins with the setting's name: "must be …".
    """

    @classmethod
    def unlike(cls, expected: str, found: str) -> BadValue:
        """Make the error of a setting that expects something else than ``found``."""
        return cls(f"must be {expected}, not {shown(found)!r}.")


@dataclass(frozen=True)
class Setting(ABC, Generic[T]):
    """One variable of the environment.

    Subclasses define ``parse``, ``values`` and, where ``str`` is not the spelling of
    the environment, ``spell``.
    """

    name: str
    default: T
    #: One sentence (or a few) for the documentation: what the setting does.
    about: str = field(kw_only=True)
    #: How the documentation describes a default that depends on something else.
    default_note: str = field(default="", kw_only=True)
    #: Names of earlier versions. They are still read, with a warning.
    old_names: tuple[str, ...] = field(default=(), kw_only=True)
    #: Further variables, read in this order if the setting itself is unset.
    fallback_names: tuple[str, ...] = field(default=(), kw_only=True)
    #: Whether a value is a secret or may contain one.
    is_secret: bool = field(default=False, kw_only=True)

    @abstractmethod
    def parse(self, raw: str) -> T:
        """Return the value that ``raw`` spells. Raises ``BadValue``."""

    @property
    @abstractmethod
    def values(self) -> str:
        """The valid values in words, such as "a whole number from 1 to 64"."""

    def spell(self, value: T) -> str:
        """Return the text that ``parse`` reads as ``value``; empty for "unset"."""
        return str(value)

    def raw(self) -> str:
        """Return the value in the environment, unparsed; empty if unset."""
        return value_of(self._variable())

    def is_set(self) -> bool:
        """Whether the environment has a value for it."""
        return bool(self.raw())

    def read(self, default: T | None = None) -> T:
        """Return the value in the environment, else ``default``, else the table's.

        Raises ``ImproperlyConfigured`` with one line that names the variable, says what
        is expected and what was found.
        """
        if not (raw := self.raw()):
            return self.default if default is None else default
        return self.checked(lambda: self.parse(raw))

    def checked(self, parse: Callable[[], T]) -> T:
        """Call ``parse``; its ``BadValue`` becomes ``ImproperlyConfigured``."""
        try:
            return parse()
        except BadValue as bad:
            raise ImproperlyConfigured(f"{described(self._variable())} {bad}") from None

    def _variable(self) -> str:
        """Return the first variable that is set, else the setting's own name."""
        names = (self.name, *self.fallback_names)
        return next((name for name in names if value_of(name)), self.name)
