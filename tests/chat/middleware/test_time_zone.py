from __future__ import annotations

import pytest

from chat.middleware.time_zone import zone_of


@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"],
)
def test_a_time_zone_is_found_by_its_name(name: str) -> None:
    assert str(zone_of(name)) == name


@pytest.mark.parametrize(
    "name",
    ["", "Nowhere/Land", "../../etc/passwd", "America", "/UTC", "a" * 500, "é", "\x00"],
)
def test_an_invalid_time_zone_is_ignored(name: str) -> None:
    assert zone_of(name) is None
