"""Forty faults of one line: in fencing, owner checks, keys, sampling and rendering."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """One line of a file, what it becomes, and the tests that must fail then."""

    subject: str
    path: str
    #: Stands exactly once in the file.
    old: str
    new: str
    #: Files or tests, as pytest takes them.
    tests: tuple[str, ...]


def _of(
    subject: str, path: str, *tests: str, changes: dict[str, str]
) -> list[Mutation]:
    return [Mutation(subject, path, old, new, tests) for old, new in changes.items()]


SCRIPTS = "chatsite/mailbox/scripts"
MAILBOX = ("tests/chatsite/test_mailbox.py", "tests/chatsite/test_mailbox_leases.py")
MAILBOX_OWNERS = "tests/chatsite/test_mailbox_owners.py"
COLLECTING = "tests/chat/services/jobs/test_collect.py"
KEYS = (
    "tests/chat/services/test_idempotency.py",
    "tests/chat/services/test_idempotency_keys.py",
)
FIRST_CALL = "tests/chat/api/test_first_call.py"
SAMPLING = "tests/worker/engine/test_sampling.py"
DETOKENIZER = "tests/worker/engine/test_detokenizer.py"
HOSTILE = "tests/chat/rendering/markdown/test_hostile_replies.py"
MARKDOWN = "tests/chat/rendering/markdown/test_markdown.py"
LINKS = "tests/chat/rendering/test_links.py"

FENCING = [
    *_of(
        "fencing",
        f"{SCRIPTS}/prelude.lua",
        *MAILBOX,
        changes={
            "  return redis.call('HGET', key('reply', id), 'claim') == token": (
                "  return redis.call('EXISTS', key('reply', id)) == 1"
            ),
        },
    ),
    *_of(
        "fencing",
        f"{SCRIPTS}/finish.lua",
        *MAILBOX,
        changes={"if not holds(id, token) then return {'refused', 0} end": ""},
    ),
    *_of(
        "fencing",
        f"{SCRIPTS}/write.lua",
        *MAILBOX,
        changes={"if not holds(id, token) then return {'refused', 0} end": ""},
    ),
    *_of(
        "fencing",
        f"{SCRIPTS}/hand_back.lua",
        *MAILBOX,
        changes={"if not holds(id, token) then return 'refused' end": ""},
    ),
    *_of(
        "fencing",
        f"{SCRIPTS}/enqueue.lua",
        *MAILBOX,
        changes={
            "if number(known, 0) >= attempt then": "if number(known, 0) > attempt then"
        },
    ),
    *_of(
        "fencing",
        f"{SCRIPTS}/collected.lua",
        *MAILBOX,
        changes={"if known and known ~= attempt then return 0 end": ""},
    ),
    *_of(
        "fencing",
        "chat/services/jobs/collect.py",
        COLLECTING,
        changes={"    if reply.attempt != ending.attempt:": "    if False:"},
    ),
    *_of(
        "fencing",
        "chat/models/reply.py",
        "tests/chat/services/jobs/test_reconcile.py",
        COLLECTING,
        changes={
            '"state": before, "attempt": self.attempt}': '"state": before}',
        },
    ),
]

LOOK_UPS = "chat/http/get_or_404.py"
OWNERS = [
    *_of(
        "owner",
        f"{SCRIPTS}/poll.lua",
        MAILBOX_OWNERS,
        changes={"  if got[1] ~= owner then return {'foreign'} end": ""},
    ),
    *_of(
        "owner",
        LOOK_UPS,
        "tests/chat/views/test_settings.py",
        changes={
            '.select_related("owner").filter(owner_id=owner, pk=pk)': (
                '.select_related("owner").filter(pk=pk)'
            ),
        },
    ),
    *_of(
        "owner",
        LOOK_UPS,
        "tests/chat/views/test_conversation_deletion.py",
        changes={
            "deleted().filter(owner_id=owner, pk=pk)": "deleted().filter(pk=pk)",
        },
    ),
    *_of(
        "owner",
        LOOK_UPS,
        "tests/chat/views/test_replies.py",
        changes={"filter(message__owner_id=owner, pk=pk)": "filter(pk=pk)"},
    ),
    *_of(
        "owner",
        LOOK_UPS,
        "tests/test_access.py::test_a_stranger_gets_nothing_of_it_and_changes_nothing",
        changes={
            "owner_id=owner, pk=pk, conversation__deleted_at=None": (
                "pk=pk, conversation__deleted_at=None"
            ),
        },
    ),
    *_of(
        "owner",
        LOOK_UPS,
        "tests/chat/views/test_conversations.py",
        changes={
            "found = conversation.messages.filter(": "found = Message.objects.filter("
        },
    ),
    *_of(
        "owner",
        "chat/services/conversation_list.py",
        "tests/chat/views/test_conversation_list.py",
        changes={"listed.owner_id = %s AND": "(listed.owner_id = %s OR TRUE) AND"},
    ),
    *_of(
        "owner",
        "chat/accounts/data_export.py",
        "tests/chat/accounts/test_data_export.py",
        changes={
            "Conversation.objects.filter(owner=user)": "Conversation.objects.all()"
        },
    ),
    *_of(
        "owner",
        "chat/accounts/api_keys.py",
        "tests/test_access_with_keys.py",
        changes={"ApiKey.objects.usable(now).select": "ApiKey.objects.select"},
    ),
    *_of(
        "owner",
        "chat/api/key_access.py",
        "tests/test_access_with_keys.py",
        changes={
            "if scopes and not any(": "if False and not any(",
            "if makers and makers[0] != key.pk:": "if False:",
        },
    ),
    *_of(
        "owner",
        "chat/middleware/api_keys.py",
        "tests/chat/api/test_api_with_key.py",
        changes={"            request.COOKIES = {}": "            pass"},
    ),
    *_of(
        "owner",
        "chat/services/jobs/status.py",
        "tests/chat/views/test_poll.py",
        changes={"pk=UUID(pk), message__owner=UUID(owner)": "pk=UUID(pk)"},
    ),
]

KEY_RULES = [
    *_of(
        "idempotency",
        "chat/services/idempotency.py",
        *KEYS,
        changes={
            "    if row is not None and row.request_digest != digest:": "    if False:",
            "act: Act) -> Reply | None:\n"
            "    row = IdempotencyKey.objects.filter(owner=owner, key=key).first()": (
                "act: Act) -> Reply | None:\n"
                "    row = IdempotencyKey.objects.filter(key=key).first()"
            ),
            "    if row is not None and not _was_removed(row):": (
                "    if row is not None:"
            ),
            "    _keep(owner, key, digest, made)": "    pass",
            "    if len(key) > KEY_CHARACTERS or not key.isprintable():": (
                "    if len(key) > KEY_CHARACTERS:"
            ),
        },
    ),
    *_of(
        "idempotency",
        "chat/api/first_call.py",
        FIRST_CALL,
        changes={
            "    is_secret = len(key) >= SECRET_CHARACTERS": "    is_secret = True",
            r'f"{network}\0{key}\0{text}\0{day.isoformat()}"': (
                r'f"{key}\0{text}\0{day.isoformat()}"'
            ),
        },
    ),
]

SAMPLES = [
    *_of(
        "sampling",
        "worker/engine/sampling.py",
        SAMPLING,
        changes={
            "(cumulative - weights < wanted[:, None])": "(cumulative < wanted[:, None])",
            "are_enough=is_reached |": "are_enough=True | is_reached |",
            "np.where(np.arange(size) < limits, np.exp(scores), 0.0)": "np.exp(scores)",
        },
    ),
    *_of(
        "sampling",
        "worker/engine/gumbel_noise.py",
        SAMPLING,
        changes={
            " + positions.astype(np.uint64) * GOLDEN)": ")",
        },
    ),
    *_of(
        "sampling",
        "worker/engine/cpu_logits.py",
        SAMPLING,
        changes={
            "row[row > row[token]]": "row[row > 1]",
            "np.where(values < 0, values * factor, values / factor)": "values / factor",
        },
    ),
    *_of(
        "sampling",
        "worker/engine/logits.py",
        SAMPLING,
        changes={
            "    if not np.isfinite(largest).all():": "    if False:",
        },
    ),
    *_of(
        "sampling",
        "worker/engine/detokenizer.py",
        DETOKENIZER,
        changes={
            "            return self._release(min(found)[1])": (
                "            return self._release(min(found)[0])"
            ),
        },
    ),
]

RENDERING = [
    *_of(
        "rendering",
        "chat/rendering/markdown/parser.py",
        MARKDOWN,
        HOSTILE,
        changes={
            '"html": False': '"html": True',
            'md.disable(["image", "code"])': 'md.disable(["code"])',
            "min(6, OUTER_HEADING_LEVEL + len(above))": "len(above)",
        },
    ),
    *_of(
        "rendering",
        "chat/rendering/links.py",
        LINKS,
        MARKDOWN,
        HOSTILE,
        changes={
            'parts.scheme in ("http", "https")': (
                'parts.scheme in ("http", "https", "ftp")'
            ),
            '    token.attrSet("rel", "noopener noreferrer nofollow ugc")': "    pass",
            "[escape(as_line(text)) for text in behind if text]": (
                "[as_line(text) for text in behind if text]"
            ),
        },
    ),
    *_of(
        "rendering",
        "chat/rendering/markdown/code.py",
        MARKDOWN,
        HOSTILE,
        changes={
            "highlight(code, language) or escape(code)": (
                "highlight(code, language) or code"
            ),
            "show_controls(escape(tokens[index].content))": (
                "show_controls(tokens[index].content)"
            ),
        },
    ),
]

MUTATIONS = [*FENCING, *OWNERS, *KEY_RULES, *SAMPLES, *RENDERING]
