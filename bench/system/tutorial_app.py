"""The site of the common tutorial: a Django view that calls a pipeline, and waits.

    gunicorn bench.system.tutorial_app:application

The pipeline is that of transformers. Its model is small, and is kept to the pace of the
measurement, so that only the design differs from a site with the scripted engine.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from transformers import StoppingCriteria, StoppingCriteriaList, pipeline

from bench.random_model import small
from bench.system import WORD_SECONDS, WORDS

settings.configure(
    SECRET_KEY="only for a measurement",  # noqa: S106 - and for nothing else
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
)
generator = pipeline("text-generation", model=str(small(Path(os.environ["CACHE"]))))


class Pace(StoppingCriteria):
    """Stops nothing, but keeps each token to its time."""

    def __init__(self) -> None:
        self._next = time.monotonic()

    def __call__(self, *_arguments: Any, **_options: Any) -> bool:
        """Wait until the next token is due."""
        self._next += WORD_SECONDS
        time.sleep(max(0.0, self._next - time.monotonic()))
        return False


def index(_request: HttpRequest) -> HttpResponse:
    """The page with the form."""
    return HttpResponse("<form method=post><input name=prompt></form>")


def chat(request: HttpRequest) -> HttpResponse:
    """Answer a prompt when the whole reply is there."""
    (said,) = generator(
        request.POST["prompt"],
        max_new_tokens=WORDS,
        stopping_criteria=StoppingCriteriaList([Pace()]),
    )
    return HttpResponse(said["generated_text"])


urlpatterns = [path("", index), path("chat", chat)]
application = get_wsgi_application()
