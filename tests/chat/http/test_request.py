"""Parameters are read as Django reads them."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from chat.http.request import query_parameters

QUERIES = (
    "",
    "r=1&t=2&r=3",
    "a=b=c&=d&e&f=",
    "&&a=1&",
    "a=%C3%A4+%2B&%61=2&b+c=3",
    "a=%FF%zz%",
)


@pytest.mark.parametrize("query", QUERIES)
def test_parameters_are_those_of_django(query: str) -> None:
    request = RequestFactory().get(f"/poll/?{query}")
    assert dict(query_parameters(request).lists()) == dict(request.GET.lists())


def test_too_many_are_refused(settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    query_parameters(RequestFactory().get("/poll/?a=1&b=2"))
    with pytest.raises(ValueError, match="too many"):
        query_parameters(RequestFactory().get("/poll/?a=1&b=2&c=3"))
