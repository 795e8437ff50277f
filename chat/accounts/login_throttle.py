"""Who guesses passwords is locked out for a while; who owns the account is not.

Counted are the attempts at one account from one network, and all those from one
network. So a stranger locks out nobody but their own network, and trying many names
from one place does not pay either. An attempt is counted before the password is looked
at, so that a hundred at once are a hundred; a right one takes back what it counted.
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
class Lock:
    """Ends by itself."""

    ends_at: datetime
    #: True where it is on every account, for this network.
    is_of_network: bool = False

    @property
    def seconds(self) -> int:
        return max(1, math.ceil((self.ends_at - timezone.now()).total_seconds()))


def begin(request: HttpRequest, name: str, user: User | None) -> Lock | None:
    """Count an attempt, which may be made where the answer is None.

    Otherwise the answer to the request becomes the page that tells of the lock.
    """
    pair, network = _pair(request, name, user), _network(request)
    if not _take_both(pair, network):
        lock = _lock(pair, network) or Lock(timezone.now())
        request.login_lock = lock  # type: ignore[attr-defined]
        return lock
    return None


def succeed(request: HttpRequest, name: str, user: User) -> None:
    """The password was right: nothing is held against this network."""
    AttemptCounter.objects.forget(_pair(request, name, user))
    AttemptCounter.objects.give_back(_network(request))


def pardon(request: HttpRequest, user: User) -> None:
    """Who has a link to a new password was wrong about the old one, and no guesser."""
    AttemptCounter.objects.forget(_pair(request, "", user))


def is_password_of(request: HttpRequest, user: User, password: str) -> bool:
    """Whether somebody signed in knows their password; guessing counts as at log-in."""
    if begin(request, "", user) is not None or not user.check_password(password):
        return False
    succeed(request, "", user)
    return True


def _take_both(pair: str, network: str) -> bool:
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


def _lock(pair: str, network: str) -> Lock | None:
    """The one that ends last, where there are both."""
    now = timezone.now()
    of_pair = AttemptCounter.objects.end_of_lock(pair, now, settings.LOGIN_FAILURES_MAX)
    of_network = AttemptCounter.objects.end_of_lock(
        network, now, settings.NETWORK_LOGIN_FAILURES_PER_HOUR
    )
    if of_network and (of_pair is None or of_pair <= of_network):
        return Lock(of_network, is_of_network=True)
    return Lock(of_pair) if of_pair else None


def _pair(request: HttpRequest, name: str, user: User | None) -> str:
    """One for an account however it is named, one for each name that is nobody's."""
    who = str(user.pk) if user else f"nobody {_as_looked_up(name)}"
    return _digest("pair", network_digest(request), who)


def _as_looked_up(typed: str) -> str:
    """The same for what would find the same account: were it not, a lock that comes
    only where ways to write a name count together would tell that somebody has it."""
    return fold_address(typed) if is_address(typed) else fold(typed)


def _network(request: HttpRequest) -> str:
    return _digest("network", network_digest(request))


def _digest(*parts: str) -> str:
    return salted_hmac(SALT, "\n".join(parts), algorithm="sha256").hexdigest()
