"""Words and plain text."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatsite.setting_types.base import BadValue, Setting

TRUE = ("true", "on", "ok", "y", "yes", "1")
FALSE = ("false", "off", "n", "no", "0")


@dataclass(frozen=True)
class Text(Setting[str]):
    """Text that is taken as it is."""

    expected: str = field(default="text", kw_only=True)

    def parse(self, raw: str) -> str:
        """Return the text."""
        return raw

    @property
    def values(self) -> str:
        """The valid values in words."""
        return self.expected


@dataclass(frozen=True)
class Flag(Setting[bool]):
    """``on`` or ``off``; the usual other spellings count as well."""

    values = "on or off"

    def parse(self, raw: str) -> bool:
        """Return True or False for the usual spellings. Raises ``BadValue``."""
        if raw.lower() in TRUE:
            return True
        if raw.lower() in FALSE:
            return False
        raise BadValue.unlike(self.values, raw.lower())

    def spell(self, value: bool) -> str:
        """Return ``on`` or ``off``."""
        return "on" if value else "off"


@dataclass(frozen=True)
class OneOf(Setting[str]):
    """One of several words, in lower case."""

    choices: tuple[str, ...] = field(kw_only=True)

    def parse(self, raw: str) -> str:
        """Return the word in lower case. Raises ``BadValue``."""
        if raw.lower() not in self.choices:
            raise BadValue.unlike(self.values, raw.lower())
        return raw.lower()

    @property
    def values(self) -> str:
        """The valid values in words."""
        return "one of " + ", ".join(self.choices)
