"""Which limits apply to whom: those of the settings, or those given to one account.

A user has limits of their own, as a guest or with an account. An API key can have lower
limits than the account that it belongs to. All guests of one network also share limits,
so private windows gain nothing. An account counts only for itself: a household, a
school or a mobile carrier may share one address, and a signed-in user must not wait for
neighbours. The number of accounts that a network can create has a limit of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from chat.models import ApiKey, User
from chatsite.setting_types.numbers import LIMIT_MAX


class LimitKind(StrEnum):
    """What a limit counts. In capital letters, the last words of its setting."""

    MESSAGES_PER_MINUTE = "prompts_per_minute"
    MESSAGES_PER_DAY = "prompts_per_day"
    REPLIES_WAITING = "replies_waiting"
    TOKENS_PER_DAY = "tokens_per_day"
    GUESTS_PER_HOUR = "guests_per_hour"
    SIGNUPS_PER_HOUR = "signups_per_hour"
    MAILS_PER_HOUR = "mails_per_hour"
    COPIED_MESSAGES_PER_DAY = "copied_per_day"
    IMPORTS_PER_DAY = "imports_per_day"


class LimitScope(StrEnum):
    """Whom a limit applies to. In capital letters, the first word of its setting."""

    GUEST = "guest"
    ACCOUNT = "account"
    NETWORK = "network"
    KEY = "key"


#: None means unlimited.
Limits = Mapping[LimitKind, int | None]

#: The limits that the owner of an API key can set for it.
OF_KEYS = (
    LimitKind.MESSAGES_PER_MINUTE,
    LimitKind.MESSAGES_PER_DAY,
    LimitKind.TOKENS_PER_DAY,
)
#: The limits that an administrator can change for one account.
PERSONAL = (
    LimitKind.MESSAGES_PER_MINUTE,
    LimitKind.MESSAGES_PER_DAY,
    LimitKind.REPLIES_WAITING,
    LimitKind.TOKENS_PER_DAY,
)


def limit_of(scope: LimitScope, kind: LimitKind) -> int | None:
    """The limit of the settings."""
    limit: int | None = getattr(settings, f"{scope.name}_{kind.name}")
    return limit


def limits_of(user: User) -> dict[LimitKind, int | None]:
    """The limits of one user. Those in the user's row override the settings."""
    scope = LimitScope.GUEST if user.is_guest else LimitScope.ACCOUNT
    found = {kind: limit_of(scope, kind) for kind in PERSONAL}
    return found | _valid(user.limits, PERSONAL)


def key_limits(key: ApiKey) -> dict[LimitKind, int | None]:
    """The limits of one API key, beside those of its account."""
    return dict.fromkeys(PERSONAL) | _valid(key.limits, OF_KEYS)


def network_limits() -> dict[LimitKind, int | None]:
    """The limits that all guests of one network share."""
    return {kind: limit_of(LimitScope.NETWORK, kind) for kind in PERSONAL}


def clean_limits(raw: Any) -> dict[str, int | None]:
    """Validate the limits that an administrator typed for one account.

    The format is ``{"prompts_per_day": 500, "tokens_per_day": null}``, with null for
    unlimited; empty means those of the settings. Raises ``ValidationError``.
    """
    if raw in (None, ""):
        return {}
    if not isinstance(raw, dict):
        said = _('Write limits as {"prompts_per_day": 500, "tokens_per_day": null}.')
        raise ValidationError(said, "no_object")
    errors = [_wrong(name, limit) for name, limit in raw.items()]
    if wrong := [error for error in errors if error]:
        raise ValidationError(wrong)
    return dict(raw)


def is_higher_for_accounts(scope: LimitScope, kind: LimitKind) -> bool:
    """Whether a guest at this limit could go on with an account."""
    is_of_account = scope in (LimitScope.ACCOUNT, LimitScope.KEY)
    if is_of_account or settings.SIGNUP == "closed":
        return False
    of_account = limit_of(LimitScope.ACCOUNT, kind)
    if scope is LimitScope.NETWORK or of_account is None:
        return True
    of_guest = limit_of(LimitScope.GUEST, kind)
    return of_guest is not None and of_account > of_guest


def _valid(limits: Any, kinds: Collection[LimitKind]) -> dict[LimitKind, int | None]:
    """The limits of a row, without invalid values: they shall lock no user out."""
    own = limits if isinstance(limits, dict) else {}
    return {LimitKind(k): n for k, n in own.items() if k in kinds and _is_limit(n)}


def _is_limit(raw: Any) -> bool:
    # Booleans are numbers to Python.
    return raw is None or (type(raw) is int and 1 <= raw <= LIMIT_MAX)


def _wrong(name: Any, limit: Any) -> ValidationError | None:
    if name not in PERSONAL:
        said = _("There is no limit named “%(name)s”; there are %(names)s.")
        params = {"name": name, "names": ", ".join(PERSONAL)}
        return ValidationError(said, "unknown_limit", params)
    if not _is_limit(limit):
        said = _(
            "%(name)s must be a whole number from 1 to %(most)s, or null for none."
        )
        return ValidationError(said, "bad_limit", {"name": name, "most": LIMIT_MAX})
    return None
