"""The tables of the site."""

from chat.models.api_key import ApiKey
from chat.models.attempt_counter import AttemptCounter
from chat.models.batch import Batch, BatchLine, BatchStatus, LineState
from chat.models.batch_file import BatchFile, BatchFilePiece, Purpose
from chat.models.conversation import Conversation
from chat.models.conversation_import import (
    ConversationImport,
    ConversationSource,
    EntryState,
    ImportEntry,
    ImportPiece,
    ImportStatus,
)
from chat.models.deleted_turn import DeletedTurn
from chat.models.idempotency_key import IdempotencyKey
from chat.models.invitation import Invitation
from chat.models.limit_bucket import LimitBucket
from chat.models.message import Message
from chat.models.notice import Notice
from chat.models.operation import PausedModel, Sample, SiteNotice
from chat.models.passage import Passage
from chat.models.preset import Preset
from chat.models.push_subscription import PushSubscription
from chat.models.reply import Reply
from chat.models.reply_choices import Origin
from chat.models.session import Session
from chat.models.shared_link import SharedLink, SharedMessage
from chat.models.title_job import TitleJob
from chat.models.user import User
from chat.models.webhook_delivery import WebhookDelivery
from chat.models.webhook_endpoint import WebhookEndpoint

__all__ = [
    "ApiKey",
    "AttemptCounter",
    "Batch",
    "BatchFile",
    "BatchFilePiece",
    "BatchLine",
    "BatchStatus",
    "Conversation",
    "ConversationImport",
    "ConversationSource",
    "DeletedTurn",
    "EntryState",
    "IdempotencyKey",
    "ImportEntry",
    "ImportPiece",
    "ImportStatus",
    "Invitation",
    "LimitBucket",
    "LineState",
    "Message",
    "Notice",
    "Origin",
    "Passage",
    "PausedModel",
    "Preset",
    "Purpose",
    "PushSubscription",
    "Reply",
    "Sample",
    "Session",
    "SharedLink",
    "SharedMessage",
    "SiteNotice",
    "TitleJob",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
]
