"""The operator page: a whole page, and its parts for htmx."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from chat.forms.operation import NoticeForm
from chat.models import SharedLink, SiteNotice
from chat.page.charts import Chart, day_charts
from chat.page.context import frame_context
from chat.services.feedback import rating_totals
from chat.services.operation.failures import FailureKind, recent_failures
from chat.services.operation.history import HistoryStep, last_day
from chat.services.operation.overview import SiteOverview, site_overview
from chat.services.sharing.links import is_on
from chat.views.operator.decorators import operator_required

#: What was just done, by the parameter in the address of the page.
NOTES = {
    "drain": _("The worker finishes its replies and takes no others."),
    "serve": _("The worker takes replies again."),
    "end": _("The worker ends once its replies are finished."),
    "gone": _("That worker is no longer there."),
    "away": _("The queue can’t be reached. Try again."),
    "paused": _("The model is paused. What waits keeps its place."),
    "resumed": _("The model is running again."),
    "retried": _("The replies are in line again."),
    "some-refused": _("Some replies could not be retried: a limit was reached."),
    "noticed": _("Every page shows the notice."),
    "cleared": _("No notice is shown."),
}


class LiveContext(TypedDict):
    """For ``operator/_live.html``."""

    site: SiteOverview
    failures: list[FailureKind]
    note: str | Promise


class HistoryContext(TypedDict):
    """For ``operator/history.html``."""

    steps: list[HistoryStep]


def live_context(note: str) -> LiveContext:
    """What changes from second to second."""
    return {
        "site": site_overview(),
        "failures": recent_failures(),
        "note": NOTES.get(note, ""),
    }


def charts() -> list[Chart]:
    """The charts of the last day."""
    return day_charts(last_day())


@require_safe
@operator_required
def operator(request: HttpRequest) -> HttpResponse:
    """Show the page; for htmx one of its parts, ``live`` or ``charts``."""
    part = request.GET.get("part")
    if part == "charts":
        return render(request, "operator/_charts.html", {"charts": charts()})
    live = live_context(request.GET.get("done", ""))
    if part == "live":
        return render(request, "operator/_live.html", live)
    return operator_page(request, live, _notice_form())


def operator_page(
    request: HttpRequest, live: LiveContext, form: NoticeForm, status: int = 200
) -> HttpResponse:
    """The whole page, around its live part."""
    context = {
        **frame_context(request),
        **live,
        "charts": charts(),
        "ratings": rating_totals(),
        "shared_links": SharedLink.objects.count_open(timezone.now()),
        "is_sharing_on": is_on(),
        "notice_form": form,
    }
    return render(request, "operator/operator.html", context, status=status)


@require_safe
@operator_required
def history(request: HttpRequest) -> HttpResponse:
    """Show the numbers of the charts as a table."""
    context: HistoryContext = {"steps": last_day()[::-1]}
    return render(
        request, "operator/history.html", {**frame_context(request), **context}
    )


def _notice_form() -> NoticeForm:
    shown = SiteNotice.objects.current(timezone.now())
    given = {"text": shown.text, "until": shown.until} if shown else {}
    return NoticeForm(initial=given)
