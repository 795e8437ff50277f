"""A day of a long conversation, far before what its page has loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from chat.models import Message, User
from tests.chat.conversation_data import long_conversation
from tests.cookie_names import ZONE
from tests.dom import dom

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def page(owner: User, settings) -> str:
    """Two messages a day, of which a page shows four."""
    settings.MESSAGES_SHOWN = 4
    talk = long_conversation(owner, 40)
    for number, pk in enumerate(talk.path_ids()):
        # In the order of the path, as messages are said.
        said = FIRST + timedelta(days=number // 2, seconds=number)
        Message.objects.filter(pk=pk).update(created_at=said)
    return f"/c/{talk.pk}/"


def landed_on(tab: Client, page: str, day: str) -> str:
    """The text to which the field of a page leads."""
    url, _, anchor = tab.get(page, {"day": day})["Location"].partition("#")
    return dom(tab.get(url)).one(f"[id='{anchor}']").text


def error_of(tab: Client, page: str, day: str) -> str:
    """What the form says of a day; the page is there, at its end."""
    answer = tab.get(page, {"day": day})
    assert answer.status_code == 200
    form = dom(answer).one("form.day-form")
    assert form.one("input")["aria-describedby"] == "day-error"
    return form.one("#day-error").text


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-03-01", "prompt 0"),
        ("2026-03-05", "prompt 8"),
        ("2026-03-20", "prompt 38"),
    ],
)
def test_a_day_leads_to_its_first_message(
    tab: Client, page: str, day: str, said: str
) -> None:
    form = dom(tab.get(page)).one("form.day-form")
    assert form["action"] == f"{page}#day"
    assert form.one("input")["name"] == "day"
    assert said in landed_on(tab, page, day)


def test_a_message_comes_before_a_reply_of_the_same_time(
    tab: Client, page: str, owner: User
) -> None:
    Message.objects.filter(owner=owner).update(created_at=FIRST)
    assert "prompt 0" in landed_on(tab, page, "2026-03-01")


def test_days_are_those_of_the_person(tab: Client, page: str) -> None:
    tab.cookies[ZONE] = "Pacific/Kiritimati"  # noon in UTC is the next day there
    assert "prompt 6" in landed_on(tab, page, "2026-03-05")


@pytest.mark.parametrize("day", ["x", "2026-02-30", "2026-3"])
def test_what_is_no_day_is_said_in_the_form(tab: Client, page: str, day: str) -> None:
    assert error_of(tab, page, day) == "That’s not a date. Write it as in 2026-05-01."


@pytest.mark.parametrize(
    "day", ["0001-01-01", "2026-02-28", "2026-03-21", "9999-12-31"]
)
def test_a_day_outside_of_the_conversation_is_said_in_the_form(
    tab: Client, page: str, day: str
) -> None:
    said = error_of(tab, page, day)
    assert said.endswith("This conversation goes from Mar 1, 2026 to Mar 20, 2026.")


def test_a_conversation_of_one_day_names_it(
    tab: Client, page: str, owner: User
) -> None:
    Message.objects.filter(owner=owner).update(created_at=FIRST)
    said = error_of(tab, page, "2026-03-02")
    assert said.endswith("All of this conversation is from Mar 1, 2026.")
    Message.objects.filter(owner=owner).delete()
    said = error_of(tab, page, "2026-03-02")
    assert said == "This conversation has no messages yet."


def test_a_short_conversation_has_no_such_field(tab: Client, owner: User) -> None:
    talk = long_conversation(owner, 4)
    assert "form.day-form" not in dom(tab.get(f"/c/{talk.pk}/"))
