"""Signs up: the browser's guest becomes an account and keeps everything."""

from __future__ import annotations

from contextlib import suppress
from typing import TypedDict

from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.accounts import email_change, invitations
from chat.accounts.client_network import network_digest
from chat.accounts.guests import (
    BACKEND,
    current_guest,
    ensure_guest_cookie,
    guest_id,
    replace_guest_cookie,
)
from chat.accounts.login import count_guest_conversations, safe_path
from chat.accounts.session_end import note_replaced_session
from chat.accounts.sign_up import (
    AlreadySignedUp,
    InvitationSpent,
    NameTaken,
    can_sign_up,
    create_account,
)
from chat.accounts.site_url import can_mail
from chat.forms.accounts import SignUpForm, address_taken_message, name_taken_message
from chat.models import User
from chat.page.action_response import with_refusal_status
from chat.services.errors import MessageRefused
from chat.services.limits.network_rate import admit_sign_up
from chat.views.accounts.decorators import current_account, redirect_to

METHODS = ["GET", "HEAD", "POST"]


class SignUpContext(TypedDict):
    """For ``accounts/sign_up.html``."""

    form: SignUpForm
    next: str
    can_sign_up: bool
    #: Conversations of the guest, which the account keeps.
    count: int
    #: The address to which the form is sent; with an invitation it has the secret.
    action: str


class InvitedContext(TypedDict):
    """For ``accounts/invited.html``, which says why an invitation does not work."""

    state: invitations.InvitationState


@never_cache
@require_http_methods(METHODS)
def sign_up(request: HttpRequest) -> HttpResponse:
    """Show the form, or make an account."""
    if current_account(request) is not None:
        return redirect_to("account")
    if not can_sign_up():
        return _page(request, SignUpForm(), status=403)
    return _handle_form(request)


@never_cache
@require_http_methods(METHODS)
def invited(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign up with an invitation."""
    if current_account(request) is not None:
        return redirect_to("account")
    if not can_sign_up(secret):
        return _page(request, SignUpForm(), status=403)
    state = invitations.invitation_state(secret)
    is_good = state is invitations.InvitationState.GOOD
    if not is_good and not _has_just_signed_up(request):
        refused: InvitedContext = {"state": state}
        return render(request, "accounts/invited.html", refused, status=410)
    return _handle_form(request, secret)


def _handle_form(request: HttpRequest, invitation: str = "") -> HttpResponse:  # noqa: C901
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, form, invitation)
    if user := _repeated_sign_up(request):
        return _log_in_and_redirect(request, user)
    if not form.is_valid():
        # Meanwhile the other request of a double click may have made the account.
        if again := _repeated_sign_up(request):
            return _log_in_and_redirect(request, again)
        return _page(request, form, invitation, status=422)
    try:
        user = _sign_up(request, form, invitation)
    except NameTaken:
        if again := _repeated_sign_up(request):
            return _log_in_and_redirect(request, again)
        form.add_error("name", name_taken_message())
    except email_change.AddressTaken:
        form.add_error("email", address_taken_message())
    except (AlreadySignedUp, InvitationSpent):
        # Another tab has just done this: the page shows the new state.
        return HttpResponseRedirect(request.path, status=303)
    except MessageRefused as refused:
        form.add_error(None, refused.message)
        return with_refusal_status(
            _page(request, form, invitation), refused.retry_seconds
        )
    else:
        return _log_in_and_redirect(request, user)
    return _page(request, form, invitation, status=422)


def _sign_up(request: HttpRequest, form: SignUpForm, invitation: str) -> User:
    given = form.cleaned_data
    email = given["email"]
    # With mail, an address is saved only after its owner has followed a link.
    if email and not can_mail() and User.objects.addressed(email):
        raise email_change.AddressTaken
    admit_sign_up(network_digest(request))
    user = create_account(
        given["name"],
        given["password"],
        "" if can_mail() else email,
        guest=current_guest(request),
        pk=guest_id(request),
        invitation=invitation,
    )
    if email and can_mail():
        with suppress(email_change.MailedRecently):
            email_change.request_email_change(user, email, request)
    return user


def _repeated_sign_up(request: HttpRequest) -> User | None:
    """The account that a double click has just made.

    The cookie must be the guest's, and the password right.
    """
    if not _has_just_signed_up(request):
        return None
    name, password = request.POST.get("name", ""), request.POST.get("password", "")
    user = authenticate(request, username=name, password=password)
    is_same = isinstance(user, User) and user.pk == guest_id(request)
    return user if isinstance(user, User) and is_same else None


def _has_just_signed_up(request: HttpRequest) -> bool:
    pk = guest_id(request)
    if pk is None or request.method != "POST":
        return False
    return User.objects.filter(pk=pk).exclude(username=None).exists()


def _log_in_and_redirect(request: HttpRequest, user: User) -> HttpResponse:
    # Only a session of the same user: another may have been planted in this browser.
    is_same = request.user.pk == user.pk
    before = request.session.session_key if is_same else None
    login(request, user, backend=getattr(user, "backend", BACKEND))
    note_replaced_session(before, user)
    then = safe_path(request.POST.get("next", ""))
    if request.POST.get("email") and can_mail():
        then = f"{reverse('account')}?sent"  # says that a link is on its way
    response = HttpResponseRedirect(_with_welcome(then), status=303)
    replace_guest_cookie(response)
    return response


def _with_welcome(then: str) -> str:
    """The same address; the page there welcomes the new account."""
    path, hash_sign, place = then.partition("#")
    return f"{path}{'&' if '?' in path else '?'}welcome{hash_sign}{place}"


def _page(
    request: HttpRequest, form: SignUpForm, invitation: str = "", status: int = 200
) -> HttpResponse:
    guest = current_guest(request)
    context: SignUpContext = {
        "form": form,
        "next": safe_path(request.POST.get("next") or request.GET.get("next", "")),
        "can_sign_up": can_sign_up(invitation),
        "count": count_guest_conversations(guest.pk) if guest else 0,
        "action": reverse("invited", args=[invitation]) if invitation else request.path,
    }
    response = render(request, "accounts/sign_up.html", context, status=status)
    ensure_guest_cookie(request, response)
    return response
