"""Both APIs say the same of what goes wrong in any call, each in its own shape."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.db import OperationalError
from django.http import Http404
from django.urls import Resolver404

from chat.api.openai.errors import of_known
from chat.http.bearer import WrongKey
from chat.http.known_errors import MISSING_SCOPE, known_error
from chat.services.errors import MessageRefused


@pytest.mark.parametrize(
    ("raised", "status", "of_openai"),
    [
        (MessageRefused("blank", "Write something."), 422, 400),
        (MessageRefused("many", "Wait.", retry_seconds=7), 429, 429),
        (WrongKey(None), 401, 401),
        (WrongKey(90), 429, 429),
        (MISSING_SCOPE, 403, 403),
        (Http404(), 404, 404),
        (Resolver404({}), 404, 404),
        (TooManyFieldsSent(), 400, 400),
        (TooManyFilesSent(), 400, 400),
        (OperationalError("locked"), 503, 503),
        (OperationalError("database or disk is full"), 507, 507),
        (ZeroDivisionError(), 500, 500),
    ],
    ids=repr,
)
def test_status_code_and_sentence_are_the_same(
    raised: Exception, status: int, of_openai: int
) -> None:
    error = known_error(raised)
    ours, theirs = error.response(), of_known(error).response()
    said, told = json.loads(ours.content), json.loads(theirs.content)["error"]
    assert (ours.status_code, theirs.status_code) == (status, of_openai)
    assert (said["code"], said["detail"]) == (told["code"], told["message"])
    for name in ("Retry-After", "WWW-Authenticate"):
        assert ours.headers.get(name) == theirs.headers.get(name)
    is_long = int(theirs.headers.get("Retry-After", 0)) > 60
    assert ("x-should-retry" in theirs.headers) == is_long
