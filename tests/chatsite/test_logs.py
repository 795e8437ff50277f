"""Log lines contain ids and places, but no text, no path and no secret."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from logging.config import dictConfig

import pytest
import redis
from django.db import DataError
from django.test import RequestFactory

from chatsite.logs import RequestFilter, error_type, logging_at
from chatsite.mailbox import MailboxAway
from chatsite.mailbox.connection import Connection
from chatsite.request_context import ENVIRON, on_behalf_of

TEXT = "what somebody wrote"
SECRET = "s3cret-of-the-queue"


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """The output of loggers below ``chat.written`` and ``django.written``."""
    config = logging_at("DEBUG", {SECRET}, getattr(request, "param", "console"))
    config["handlers"]["console"]["stream"] = stream = io.StringIO()
    for name in ("chat.written", "django.written"):
        said = {"handlers": ["console"], "level": "DEBUG", "propagate": False}
        config["loggers"][name] = said
    kept = logging.getLogger().handlers[:]
    level = logging.getLogger().level
    dictConfig(config)
    yield stream
    logging.getLogger().handlers[:] = kept
    logging.getLogger().setLevel(level)


in_both_forms = pytest.mark.parametrize("written", ["console", "json"], indirect=True)
in_json = pytest.mark.parametrize("written", ["json"], indirect=True)


@in_both_forms
def test_an_error_is_logged_by_type_and_trace_without_its_message(
    written: io.StringIO,
) -> None:
    log = logging.getLogger("chat.written")
    try:
        try:
            raise KeyError(TEXT)  # noqa: TRY301
        except KeyError as error:
            raise ValueError(f"unreadable: {TEXT}") from error
    except ValueError:
        log.exception("a reply failed")
    line = written.getvalue()
    assert TEXT not in line
    assert "ValueError" in line and "KeyError" in line and "test_logs.py" in line


@in_both_forms
def test_a_secret_is_hidden_anywhere_in_a_line(written: io.StringIO) -> None:
    logging.getLogger("chat.written").info("connected to redis://web:%s@host", SECRET)
    assert SECRET not in written.getvalue()
    assert "redis://web:***@host" in written.getvalue()


@in_both_forms
def test_a_request_is_logged_by_its_route(
    written: io.StringIO, rf: RequestFactory
) -> None:
    request = rf.get("/r/secret-link/", {"q": TEXT})
    logging.getLogger("django.written").warning(
        "Not Found: %s", request.path, extra={"status_code": 404, "request": request}
    )
    assert "404 GET /no page" in written.getvalue()
    assert "secret-link" not in written.getvalue()


@in_both_forms
def test_a_record_about_a_request_has_its_id_after_the_request_was_left(
    written: io.StringIO, rf: RequestFactory
) -> None:
    request = rf.get("/c/", **{ENVIRON: "abc-1"})
    logging.getLogger("django.written").error(
        "Error: %s", request.path, extra={"status_code": 500, "request": request}
    )
    assert "abc-1" in written.getvalue()


@in_json
def test_a_record_is_one_line_of_json_with_what_it_is_about(
    written: io.StringIO,
) -> None:
    log = logging.getLogger("chat.written")
    with on_behalf_of("abc-1", reply="r1"):
        try:
            raise ValueError(TEXT)  # noqa: TRY301
        except ValueError:
            log.exception('two\nlines and "quotes"')
    log.warning("outside")
    within, outside = map(json.loads, written.getvalue().splitlines())
    assert datetime.fromisoformat(within.pop("time")).tzinfo is not None
    assert within.pop("exception").startswith("ValueError\n")
    assert within == {
        "level": "error",
        "logger": "chat.written",
        "message": 'two\nlines and "quotes"',
        "process": os.getpid(),
        "request_id": "abc-1",
        "reply": "r1",
    }
    assert outside.keys() == {"time", "level", "logger", "message", "process"}


def test_a_line_for_people_ends_with_the_request(written: io.StringIO) -> None:
    log = logging.getLogger("chat.written")
    with on_behalf_of("abc-1"):
        log.info("within")
    log.info("outside")
    within, outside = written.getvalue().splitlines()
    assert within.endswith("chat.written: within [request abc-1]")
    assert outside.endswith("chat.written: outside")


def test_libraries_never_log_details() -> None:
    config = logging_at("DEBUG", ())
    assert config["root"]["level"] == config["loggers"]["celery"]["level"] == "INFO"
    assert config["loggers"]["worker"]["level"] == "DEBUG"
    assert logging_at("WARNING", ())["root"]["level"] == "WARNING"


def test_a_database_error_is_logged_by_its_code() -> None:
    error = DataError(f"value too long: {TEXT}")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": "22001"})(TEXT)
    assert error_type(error) == "DataError (22001)"
    assert error_type(ValueError(TEXT)) == "ValueError"


def test_an_error_of_redis_does_not_repeat_the_command() -> None:
    connection = Connection("redis://127.0.0.1:1/0")

    def refuse() -> None:
        raise redis.ResponseError(f"Command # 1 (SET x {TEXT}) of pipeline: NOPERM")

    with pytest.raises(MailboxAway) as away:
        connection.call(refuse)
    assert TEXT not in str(away.value)


def test_other_records_are_unchanged() -> None:
    record = logging.makeLogRecord({"name": "chat", "msg": "%s", "args": (1,)})
    assert RequestFilter().filter(record)
    assert record.getMessage() == "1"
