"""What the list of conversations shows."""

from __future__ import annotations

from tests.dom import dom


def listed(answer) -> list[str]:
    """Ids of the entries, in order."""
    ids = dom(answer).values("li.item", "id")
    return [name.removeprefix("item-") for name in ids]
