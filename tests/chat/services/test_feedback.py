"""Thumbs: which replies can have one, what is counted, and what is kept."""

from __future__ import annotations

import json

import pytest

from chat.accounts.data_export import export_user
from chat.models import Reply, User
from chat.services.errors import MessageRefused
from chat.services.feedback import RatingTotals, rate, rating_totals
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected

pytestmark = pytest.mark.django_db


def kept(reply: Reply) -> tuple[str, str]:
    reply.refresh_from_db()
    return reply.rating, reply.rating_reason


def test_a_rating_is_kept_changed_and_withdrawn(done: Reply) -> None:
    rate(done, "up", "  Short\r\nand right ")
    assert kept(done) == ("up", "Short\nand right")
    rate(done, "down")
    assert kept(done) == ("down", "")
    rate(done, "", "A reason without a rating")
    assert kept(done) == ("", "")


def test_only_a_finished_reply_with_text_is_rated(
    owner: User, worker: Worker, sent
) -> None:
    growing = sent(owner, "one")
    with pytest.raises(MessageRefused) as refused:
        rate(growing, "up")
    assert refused.value.code == "unfinished"
    empty = collected(worker, growing, "")
    with pytest.raises(MessageRefused):
        rate(empty, "up")
    assert kept(empty) == ("", "")


def test_a_reason_that_is_too_long_changes_nothing(done: Reply, settings) -> None:
    settings.FEEDBACK_MAX_CHARACTERS = 5
    rate(done, "up", "12345")
    with pytest.raises(MessageRefused) as refused:
        rate(done, "down", "123456")
    assert refused.value.code == "reason_too_long"
    assert kept(done) == ("up", "12345")


def test_totals_are_those_of_each_model(
    owner: User, worker: Worker, sent, done: Reply
) -> None:
    assert rating_totals() == []
    rate(done, "up", "text")
    for answer, rating in (("second", "down"), ("third", "up")):
        rate(collected(worker, sent(owner, answer), answer), rating)
    Reply.objects.filter(rating="down").update(model="another")
    assert rating_totals() == [
        RatingTotals("another", 0, 1),
        RatingTotals("scripted", 2, 0),
    ]


def test_the_download_of_an_account_has_them(owner: User, done: Reply) -> None:
    rate(done, "down", "Wrong year")
    (talk,) = json.loads("".join(export_user(owner)))["conversations"]
    reply = talk["messages"][1]["reply"]
    assert (reply["rating"], reply["rating_reason"]) == ("down", "Wrong year")
