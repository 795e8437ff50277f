"""What operators order: workers, models, failed replies, and the notice."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from chat.forms.operation import NoticeForm
from chat.http.request import Request
from chat.services.operation import control
from chat.services.operation.failures import retry_failures
from chat.services.site_notice import set_notice
from chat.views.accounts.decorators import redirect_to
from chat.views.operator.decorators import operator_required
from chat.views.operator.page import live_context, operator_page
from chatsite import wire
from chatsite.mailbox import MailboxAway


@require_POST
@operator_required
def order_worker(request: Request) -> HttpResponse:
    """Drain or end a worker, or let it serve again."""
    order = wire.WorkerOrder.read(request.POST.get("order"))
    if order is None:
        return _answer(request, "gone")
    model, worker = request.POST.get("model", ""), request.POST.get("worker", "")
    try:
        is_there = control.order_worker(model, worker, order)
    except MailboxAway:
        return _answer(request, "away")
    return _answer(request, order.value if is_there else "gone")


@require_POST
@operator_required
def pause_model(request: Request) -> HttpResponse:
    """Pause a model, or let it go on with ``resume``."""
    model = request.POST.get("model", "")[:100]
    if "resume" in request.POST:
        control.resume(model)
        return _answer(request, "resumed")
    control.pause(model)
    return _answer(request, "paused")


@require_POST
@operator_required
def retry(request: Request) -> HttpResponse:
    """Request the replies again that failed for a reason on a model."""
    error, model = request.POST.get("error", ""), request.POST.get("model", "")
    _retried, refused = retry_failures(error, model)
    return _answer(request, "some-refused" if refused else "retried")


@require_POST
@operator_required
def notice(request: Request) -> HttpResponse:
    """Show a sentence on every page, or none."""
    form = NoticeForm(request.POST)
    if not form.is_valid():
        return operator_page(request, live_context(""), form, status=422)
    set_notice(form.cleaned_data["text"], form.cleaned_data["until"])
    return _redirect("noticed" if form.cleaned_data["text"] else "cleared")


def _answer(request: Request, done: str) -> HttpResponse:
    """The live part for htmx, and a redirect to the page without it."""
    if request.htmx:
        return render(request, "operator/_live.html", live_context(done))
    return _redirect(done)


def _redirect(done: str) -> HttpResponse:
    return redirect_to("operator", f"done={done}")
