"""Messages, conversations and replies."""

from __future__ import annotations

from typing import Final

from chatsite.setting_types import Flag, Integer, Number

TITLE = "Messages and replies"
INTRODUCTION = ""

# A character takes up to 12 bytes in a form. Text of twice the limit still fits, and
# comes back with its form; a larger body is refused unread.
BODY_BYTES_PER_CHARACTER: Final = 24
BODY_BYTES_BESIDE_TEXT: Final = 65_536
BODY_BYTES_LIMIT: Final = 1_000_000_000
TEXT_LIMIT: Final = (
    BODY_BYTES_LIMIT - BODY_BYTES_BESIDE_TEXT
) // BODY_BYTES_PER_CHARACTER


def default_body_bytes(longest_text: int) -> int:
    """Return the largest body of a request with a text of so many characters."""
    return BODY_BYTES_BESIDE_TEXT + BODY_BYTES_PER_CHARACTER * longest_text


MESSAGE_MAX_CHARACTERS = Integer(
    "MESSAGE_MAX_CHARACTERS",
    8000,
    minimum=1,
    maximum=TEXT_LIMIT,
    old_names=("PROMPT_MAX_CHARACTERS",),
    about="The length of the longest message.",
)
INSTRUCTIONS_MAX_CHARACTERS = Integer(
    "INSTRUCTIONS_MAX_CHARACTERS",
    4000,
    minimum=1,
    maximum=TEXT_LIMIT,
    about="The length of the longest instructions that a person can give the model.",
)
BODY_MAX_BYTES = Integer(
    "BODY_MAX_BYTES",
    default_body_bytes(MESSAGE_MAX_CHARACTERS.default),
    minimum=1024,
    maximum=BODY_BYTES_LIMIT,
    default_note="room for twice the longest message or instructions, "
    f"{default_body_bytes(MESSAGE_MAX_CHARACTERS.default)}",
    about="The largest body of a request. A larger one is refused unread (413).",
)
REQUEST_MAX_CHARACTERS = Integer(
    "REQUEST_MAX_CHARACTERS",
    24_000,
    minimum=1,
    about="How much of a conversation is sent to the model; older turns are left out.",
)
TITLES_BY_MODEL = Flag(
    "TITLES_BY_MODEL",
    True,
    about="Whether the model finds a title for a conversation after its first reply, "
    "while a worker is idle. Only models that follow instructions are asked.",
)
MESSAGES_SHOWN = Integer(
    "MESSAGES_SHOWN",
    50,
    minimum=2,
    maximum=1000,
    about="Messages of a conversation shown at once; earlier ones load on demand.",
)
ATTACHED_FILES_MAX = Integer(
    "ATTACHED_FILES_MAX",
    10,
    minimum=0,
    maximum=100,
    about="Text files that can be attached to a message, within its characters; `0`"
    " for none.",
)
FEEDBACK_MAX_CHARACTERS = Integer(
    "FEEDBACK_MAX_CHARACTERS",
    1000,
    minimum=1,
    maximum=TEXT_LIMIT,
    about="The length of the longest reason that a person can give for rating a reply.",
)
PRESETS_MAX = Integer(
    "PRESETS_MAX",
    100,
    minimum=1,
    maximum=1000,
    about="How many presets of model, instructions and settings one person may have.",
)
HELD_MESSAGES_MAX = Integer(
    "HELD_MESSAGES_MAX",
    20,
    minimum=1,
    old_names=("PROMPTS_AHEAD_MAX",),
    about="Messages that may wait in one conversation while a reply is being written.",
)
EMPTY_CONVERSATIONS_MAX = Integer(
    "EMPTY_CONVERSATIONS_MAX",
    100,
    minimum=1,
    about="Conversations without messages that one user may make by the API.",
)
VERSIONS_AT_ONCE_MAX = Integer(
    "VERSIONS_AT_ONCE_MAX",
    4,
    minimum=1,
    maximum=20,
    old_names=("VARIANTS_AT_ONCE_MAX",),
    about="Versions of a reply that can be asked for at once.",
)
QUEUE_REPLIES_MAX = Integer(
    "QUEUE_REPLIES_MAX",
    5000,
    minimum=1,
    about="Messages that may wait for one model. Further ones are refused, with the "
    "time to come back.",
)
REPLY_MAX_TOKENS = Integer(
    "REPLY_MAX_TOKENS",
    4000,
    minimum=1,
    about="The longest reply that a person can ask for, in tokens.",
)
REPLY_MAX_SECONDS = Number(
    "REPLY_MAX_SECONDS",
    3600,
    minimum=1,
    about="The longest time that a worker writes one reply.",
)
REPLY_EXPIRY_SECONDS = Number(
    "REPLY_EXPIRY_SECONDS",
    86_400,
    minimum=1,
    about="The longest time that a reply waits while a worker serves its model.",
)
DELETED_KEEP_HOURS = Number(
    "DELETED_KEEP_HOURS",
    24,
    minimum=0,
    maximum=876_000,
    about="How long a deleted conversation can be restored before it is removed for "
    "good.",
)
RETENTION_DAYS = Number(
    "RETENTION_DAYS",
    0,
    minimum=0,
    maximum=36_500,
    about="Conversations that have not been used for so many days are deleted for "
    "good; 0 keeps them.",
)
POLL_SECONDS = Number(
    "POLL_SECONDS",
    0.2,
    minimum=0.05,
    about="How often a page asks for news while text is being written.",
)
POLL_IDLE_SECONDS = Number(
    "POLL_IDLE_SECONDS",
    20,
    minimum=1,
    about="How often a page asks for news while nothing is pending.",
)
