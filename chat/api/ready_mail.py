"""API calls for mail that a reply is ready."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import Router
from pydantic import BaseModel, Field

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.bodies import Body
from chat.api.key_access import OF_ACCOUNT
from chat.http.api_errors import ApiError
from chat.http.request import visitor_or_new
from chat.models import User
from chat.services.notifications.mail_choice import (
    Missing,
    missing_for_mail,
    set_ready_mail,
)

router = Router(tags=["Settings"])
PATH = "/settings/ready-mail"
NOT_POSSIBLE = ApiError(
    422,
    "no_mail",
    _(
        "Such mail needs an account with a confirmed email address, and a site that"
        " sends mail."
    ),
    parameter="is_wanted",
)


class ReadyMailBody(Body):
    """Whether mail is wanted."""

    is_wanted: bool


class ReadyMailData(BaseModel):
    """Whether mail tells the account that a reply which took long is ready."""

    is_wanted: bool
    language: str | None = Field(
        description="That of the mail: of the call that asked."
    )
    missing: Missing | None = Field(description="What has to come first.")


@router.get(PATH, auth=Access("can_read_history"), response=ReadyMailData)
def ready_mail(request: HttpRequest) -> HttpResponse:
    """Read whether mail says that a reply is ready."""
    return _answer(visitor_or_new(request))


@router.put(PATH, auth=Access("can_chat", own_by=OF_ACCOUNT), response=ReadyMailData)
def set_mail(request: HttpRequest, body: ReadyMailBody) -> HttpResponse:
    """Ask for such mail in the language of the call, or for none."""
    user = visitor_or_new(request)
    if body.is_wanted and missing_for_mail(user):
        raise NOT_POSSIBLE
    set_ready_mail(user, is_wanted=body.is_wanted)
    return _answer(user)


def _answer(user: User) -> HttpResponse:
    language = user.ready_mail_language
    return answer(
        ReadyMailData(
            is_wanted=bool(language),
            language=language or None,
            missing=missing_for_mail(user),
        )
    )
