"""Numbers within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chatsite.setting_types.base import BadValue, Setting

#: Larger than any sensible limit.
LIMIT_MAX = 1_000_000_000
#: A hundred years in seconds. Dates overflow when much more is added to them.
SECONDS_MAX = 3_153_600_000


@dataclass(frozen=True)
class Integer(Setting[int]):
    """A whole number in the digits 0 to 9."""

    minimum: int = field(kw_only=True)
    maximum: int = field(default=LIMIT_MAX, kw_only=True)

    def parse(self, raw: str) -> int:
        """Return the number. Raises ``BadValue``, also beyond the bounds."""
        if re.fullmatch(r"[+-]?[0-9]{1,20}", raw):
            number = int(raw)
            if self.minimum <= number <= self.maximum:
                return number
        raise BadValue.unlike(self.values, raw)

    @property
    def values(self) -> str:
        """The valid values in words."""
        return f"a whole number from {self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Number(Setting[float]):
    """A number such as ``10``, ``0.25`` or ``1e3``."""

    minimum: float = field(kw_only=True)
    maximum: float = field(default=SECONDS_MAX, kw_only=True)

    def parse(self, raw: str) -> float:
        """Return the number. Raises ``BadValue``, also beyond the bounds."""
        if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", raw):
            number = float(raw)
            if self.minimum <= number <= self.maximum:
                return number
        raise BadValue.unlike(self.values, raw)

    @property
    def values(self) -> str:
        """The valid values in words."""
        return f"a number from {self.minimum:g} to {self.maximum:.10g}"


@dataclass(frozen=True)
class Limit(Setting[int | None]):
    """A whole number from 1 up, or None (no limit) for ``off`` and ``0``."""

    def parse(self, raw: str) -> int | None:
        """Return the limit, or None for no limit. Raises ``BadValue``."""
        if raw.lower() in ("off", "0"):
            return None
        is_number = raw.isascii() and raw.isdigit()
        if is_number and len(raw) <= len(str(LIMIT_MAX)) and 1 <= int(raw) <= LIMIT_MAX:
            return int(raw)
        raise BadValue.unlike(self.values, raw)

    def spell(self, value: int | None) -> str:
        """Return the limit, or ``off``."""
        return "off" if value is None else str(value)

    @property
    def values(self) -> str:
        """The valid values in words."""
        return f"a whole number from 1 to {LIMIT_MAX}, or off"
