"""The numbers of the charts of the operator page."""

from __future__ import annotations

import pytest

from chat.page.charts import _number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3, "3"),
        (2.5, "2.5"),
        (0.03, "0.03"),
        (0.015, "0.015"),
        (1234.5, "1,234"),
    ],
)
def test_a_number_has_the_digits_that_tell_it_from_zero(
    value: float, text: str
) -> None:
    assert _number(value) == text
