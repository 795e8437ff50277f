"""What a screen reader says when the state of a reply changes."""

from __future__ import annotations

from django.utils.translation import gettext as _

from chat.models import Reply
from chat.services.jobs.reply_status import ReplyStatus
from chat.wording.replies import reason
from chatsite import wire


def announcement(reply: ReplyStatus | Reply) -> str:
    """The sentence for the current state of a reply."""
    match wire.State(reply.state):
        case wire.State.HELD if isinstance(reply, ReplyStatus) and reply.is_paused:
            return _("Your next message needs your decision.")
        case wire.State.HELD:
            return _("Your message sends after this reply.")
        case wire.State.QUEUED:
            return _("Your message is waiting for its turn.")
        case wire.State.RUNNING:
            return _("The reply has started.")
        case wire.State.DONE:
            return _("The reply is ready.")
        case wire.State.STOPPED:
            return _("The reply was stopped.")
        case wire.State.FAILED:
            failed = _("The reply failed.")
            row = reply.row if isinstance(reply, ReplyStatus) else reply
            return f"{failed} {reason(row)}" if row else failed
