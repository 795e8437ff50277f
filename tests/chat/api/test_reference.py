"""The page and the document that describe the API."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from chat.api.openapi import document

pytestmark = pytest.mark.django_db


def test_the_page_shows_every_call_and_all_that_they_return() -> None:
    page = Client().get("/api/v1/docs").content.decode()
    paths = document()["paths"].values()
    ids = {one["operationId"] for by in paths for one in by.values()}
    assert {*re.findall(r'<details id="(\w+)"', page)} == ids
    shown = {*re.findall(r'<h3 id="(\w+)"', page)}
    assert {*re.findall(r'href="#([A-Z]\w+)"', page)} <= shown
    assert not re.search("<script|<style| style=", page)


def test_both_are_open_where_guests_are_not_allowed(settings) -> None:
    settings.GUESTS = False
    for path in ("docs", "openapi.json"):
        assert Client().get(f"/api/v1/{path}").status_code == 200
