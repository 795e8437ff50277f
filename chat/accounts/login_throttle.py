"""Throttles log-in attempts, so that guessing is locked out and the owner is not.

It counts the attempts at one account from one network, and all attempts from one
network. A stranger thus locks no network but their own, and trying many names from one
network is limited as well. An attempt counts before the password is checked, so that a
hundred attempts at once count as a hundred. A correct password takes its count back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from chat.accounts.client_network import network_digest
from chat.models import AttemptCounter, User
from chat.models.user import fold, fold_address, is_address

SALT = "chat.accounts.locking"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LoginLock:
    """A lock on log-in, which ends by itself."""

    ends_at: datetime
    #: True if it locks every account for this network.
    is_for_network: bool = False

    @property
    def seconds(self) -> int:
        """Seconds until it ends, at least 1."""
        return max(1, math.ceil((self.ends_at - timezone.now()).total_seconds()))


def begin_attempt(
    request: HttpRequest, name: str, user: User | None
) -> LoginLock | None:
    """Count an attempt; return None if it may go on, else the lock.

    With a lock, ``LoginLockoutMiddleware`` answers the request.
    """
    pair, network = _account_key(request, name, user), _network_key(request)
    if not _count_attempt(pair, network):
        lock = _find_lock(pair, network) or LoginLock(timezone.now())
        request.login_lock = lock  # type: ignore[attr-defined]
        return lock
    return None


def record_success(request: HttpRequest, name: str, user: User) -> None:
    """Clear the account's failures, and take back this attempt of the network."""
    AttemptCounter.objects.forget(_account_key(request, name, user))
    AttemptCounter.objects.give_back(_network_key(request))


def clear_failures(request: HttpRequest, user: User) -> None:
    """Clear the failures at an account: the user of a reset link was no guesser."""
    AttemptCounter.objects.forget(_account_key(request, "", user))


def is_correct_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether the password is right; a guess counts as it does at log-in."""
    if begin_attempt(request, "", user) is not None or not user.check_password(
        password
    ):
        return False
    record_success(request, "", user)
    return True


def _count_attempt(pair: str, network: str) -> bool:
    now = timezone.now()
    minutes = timedelta(minutes=settings.LOGIN_LOCK_MINUTES)
    limit = settings.LOGIN_FAILURES_MAX
    if not AttemptCounter.objects.take(pair, now, limit, minutes, slides=True):
        return False
    limit = settings.NETWORK_LOGIN_FAILURES_PER_HOUR
    if AttemptCounter.objects.take(network, now, limit, HOUR, slides=False):
        return True
    AttemptCounter.objects.give_back(pair)
    return False


def _find_lock(pair: str, network: str) -> LoginLock | None:
    """Return the lock that ends last, if there are two."""
    now = timezone.now()
    of_pair = AttemptCounter.objects.end_of_lock(pair, now, settings.LOGIN_FAILURES_MAX)
    of_network = AttemptCounter.objects.end_of_lock(
        network, now, settings.NETWORK_LOGIN_FAILURES_PER_HOUR
    )
    if of_network and (of_pair is None or of_pair <= of_network):
        return LoginLock(of_network, is_for_network=True)
    return LoginLock(of_pair) if of_pair else None


def _account_key(request: HttpRequest, name: str, user: User | None) -> str:
    """The key of an account, however it is named, or of a name without an account."""
    who = str(user.pk) if user else f"nobody {_fold_name(name)}"
    return _digest("pair", network_digest(request), who)


def _fold_name(typed: str) -> str:
    """Fold a name as the look-up of accounts does.

    Otherwise locks would tell whether a name exists: only for an existing one would
    several spellings count together.
    """
    return fold_address(typed) if is_address(typed) else fold(typed)


def _network_key(request: HttpRequest) -> str:
    return _digest("network", network_digest(request))


def _digest(*parts: str) -> str:
    return salted_hmac(SALT, "\n".join(parts), algorithm="sha256").hexdigest()
