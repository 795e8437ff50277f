"""The table: who may ask what. A path that stands nowhere in it fails the test.

``PUBLIC`` shows nobody's own. ``OWN`` shows whoever asks theirs, and nobody else's.
``OBJECT`` belongs to one owner: everybody else gets 404, or is sent to log in. ``STAFF``
is Django's admin, which shows no text of anybody's. ``KEY`` takes an API key and no
cookie, and may be for what belongs to one owner; with keys there are tests of its own (``tests/test_access_with_keys.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.access.owner_data import COMMON, World
from tests.access.routes import Route

READ = ("GET", "HEAD")
WRITE = ("POST",)
#: Methods with a body.
WRITING = ("POST", "PUT", "PATCH")
BOTH = (*READ, *WRITE)
ALL = (*BOTH, "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

Fields = Callable[[World], dict[str, Any]]


class Kind(StrEnum):
    PUBLIC = "public"
    OWN = "own"
    OBJECT = "object"
    STAFF = "staff"
    KEY = "key"


def nothing(_world: World) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Entry:
    kind: Kind
    methods: tuple[str, ...] = READ
    #: What of the owner's it is for, by its name in ``World.ids``.
    of: str = ""
    #: What stands in the query, and in the form or the JSON body.
    query: Fields = nothing
    form: Fields = nothing
    #: Secrets that the owner reads there.
    shows: tuple[str, ...] = ()
    #: What a GET and a POST of the owner's are answered with.
    reads: tuple[int, ...] = (200,)
    answers: tuple[int, ...] = (200, 202, 303)
    #: Whether such a POST changes something.
    changes: bool = True
    #: Also for what was deleted, which is the way back.
    is_of_deleted: bool = False
    is_json: bool = False
    #: A guest is sent to log in.
    of_accounts: bool = False
    #: What else the owner of an account reads there.
    shows_accounts: tuple[str, ...] = ()
    #: What staff may read there.
    tells_staff: tuple[str, ...] = ()


def of(what: str, methods: tuple[str, ...] = READ, **more: Any) -> Entry:
    return Entry(Kind.OBJECT, methods, what, **more)


def own(methods: tuple[str, ...] = READ, **more: Any) -> Entry:
    return Entry(Kind.OWN, methods, **more)


def api(what: str, methods: tuple[str, ...] = WRITE, **more: Any) -> Entry:
    return Entry(Kind.OBJECT, methods, what, is_json=True, **more)


def api_of_accounts(what: str, methods: tuple[str, ...] = WRITE, **more: Any) -> Entry:
    return api(what, methods, of_accounts=True, **more)


def of_key(what: str, methods: tuple[str, ...] = READ, **more: Any) -> Entry:
    return Entry(Kind.KEY, methods, what, is_json=True, **more)


def _text(_world: World) -> dict[str, Any]:
    return {"text": "Something else", "key": "another-key"}


def _new_text(_world: World) -> dict[str, Any]:
    return {"text": "Something else"}


def _title(_world: World) -> dict[str, Any]:
    return {"title": "Another title"}


def _name(_world: World) -> dict[str, Any]:
    return {"name": "Another name"}


def _temperature(_world: World) -> dict[str, Any]:
    return {"temperature": 0.5}


def _model(_world: World) -> dict[str, Any]:
    return {"model": "gpt2"}


def _poll(world: World) -> dict[str, Any]:
    ids = world.ids
    return {"c": ids["busy"], "r": f"{ids['growing']}:0:0", "h": ids["held"]}


def _in_conversation(world: World) -> dict[str, Any]:
    return {"text": "Something else", "conversation": str(world.ids["conversation"])}


def _webhook(_world: World) -> dict[str, Any]:
    return {"address": "https://hooks.example/other", "events": ["reply.failed"]}


def _browser(world: World) -> dict[str, Any]:
    return {"endpoint": world.push_endpoint}


def _another_browser(_world: World) -> dict[str, Any]:
    endpoint = "https://push.example/another"
    return {"endpoint": endpoint, "p256dh": "B" * 87, "auth": "B" * 22}


def _search(_world: World) -> dict[str, Any]:
    return {"q": COMMON}


TABLE: dict[str, Entry] = {
    # Pages of whoever asks
    "": own(shows=("title_of_prompt", "title_of_growing_prompt", "preset_name")),
    "history/": own(shows=("title_of_prompt",)),
    # Of the versions of a reply the newest one.
    "search/": own(query=_search, shows=("cut_reply", "held_prompt", "id_of_stuck")),
    "settings/": own(
        BOTH, form=lambda _: {"temperature": "0.5"}, shows=("instructions",)
    ),
    "settings/push/": own(WRITE, form=_another_browser, answers=(204,)),
    "settings/push/remove/": own(WRITE, form=_browser, answers=(204,)),
    "model/": own(BOTH, form=_model, reads=(303,)),
    "presets/": own(shows=("preset_name", "preset_instructions")),
    "presets/menu/": own(reads=(303,)),
    "presets/new/": own(BOTH, form=_name),
    "presets/<uuid:pk>/": of(
        "preset", BOTH, form=_name, shows=("preset_name", "preset_instructions")
    ),
    "presets/<uuid:pk>/delete/": of("preset", WRITE),
    "c/<uuid:pk>/preset/": of(
        "conversation", BOTH, form=lambda w: {"preset": w.ids["preset"]}, reads=(303,)
    ),
    "send/": own(WRITE, form=_text),
    "delete-all/": own(BOTH),
    "archive/": own(),
    "history/toggle/": own(WRITE, changes=False),
    "model-notice/dismiss/": own(WRITE, changes=False),
    # What belongs to one owner
    "poll/": of("", ("GET",), query=_poll, shows=("growing_text",)),
    "c/<uuid:pk>/": of(
        "conversation",
        shows=("title_of_prompt", "prompt", "other_version", "cut_reply"),
    ),
    "c/<uuid:pk>/earlier/": of(
        "conversation",
        query=lambda world: {"before": world.ids["cut"]},
        shows=("prompt", "other_version"),
    ),
    "c/<uuid:pk>/send/": of("conversation", WRITE, form=_text),
    "c/<uuid:pk>/settings/": of(
        "conversation",
        BOTH,
        form=lambda _: {"temperature": "0.5"},
        shows=("instructions_here", "stop_string_here", "preset_name"),
    ),
    "c/<uuid:pk>/model/": of("conversation", BOTH, form=_model, reads=(303,)),
    "c/<uuid:pk>/rename/": of(
        "conversation", BOTH, form=_title, shows=("title_of_prompt",)
    ),
    "c/<uuid:pk>/pin/": of("conversation", WRITE),
    "c/<uuid:pk>/unpin/": of("conversation", WRITE),
    "c/<uuid:pk>/keep/": of("temporary", WRITE),
    "c/<uuid:pk>/archive/": of("conversation", WRITE),
    "c/<uuid:pk>/unarchive/": of("conversation", WRITE),
    "c/<uuid:pk>/delete/": of("conversation", WRITE, is_of_deleted=True),
    "c/<uuid:pk>/restore/": of("deleted", WRITE, is_of_deleted=True),
    "c/<uuid:pk>/export.json": of(
        "conversation",
        shows=("prompt", "reply", "other_version", "cut_reply", "instructions_here"),
    ),
    "c/<uuid:pk>/export.md": of(
        "conversation", shows=("title_of_prompt", "prompt", "cut_reply")
    ),
    "r/<uuid:pk>/stop/": of("growing", WRITE),
    "m/<uuid:pk>/choose/": of("done", WRITE),
    "m/<uuid:pk>/fork/": of("done", WRITE),
    "m/<uuid:pk>/delete/": of("done", WRITE),
    "m/<uuid:pk>/restore/": of("deleted_turn", WRITE),
    "m/<uuid:pk>/edit/": of("prompt", reads=(302,)),
    "r/<uuid:pk>/vary/": of("done", WRITE),
    "r/<uuid:pk>/repeat/": of("done", WRITE),
    "r/<uuid:pk>/resume/": of("cut", WRITE),
    "r/<uuid:pk>/details/": of("done", shows=("instructions",)),
    "r/<uuid:pk>/rewrite/": of("done", BOTH, form=_text, shows=("reply",)),
    "r/<uuid:pk>/feedback/": of(
        "done", BOTH, form=lambda _: {"rating": "up"}, shows=("rating_reason",)
    ),
    "r/<uuid:pk>/run-now/": of("later", WRITE),
    "r/<uuid:pk>/retry/": of("failed", WRITE),
    "r/<uuid:pk>/proceed/": of("paused", WRITE),
    "r/<uuid:pk>/edit/": of("held", BOTH, form=_text, shows=("held_prompt",)),
    "r/<uuid:pk>/remove/": of("held", WRITE),
    "r/<uuid:pk>/frame/": of("growing", shows=("growing_text",)),
    # Shared links
    "c/<uuid:pk>/share/": of(
        "conversation",
        BOTH,
        form=lambda world: {"id": world.ids["owner"], "expiry": "never"},
        shows=("title_of_prompt", "shared_address"),
    ),
    "shared/": own(shows=("title_of_prompt", "shared_address")),
    "shared/<uuid:pk>/renew/": of("shared_link", WRITE),
    "shared/<uuid:pk>/revoke/": of("shared_link", WRITE),
    "s/<str:secret>/": Entry(Kind.PUBLIC, of="owner"),
    "s/<str:secret>/continue/": Entry(Kind.PUBLIC, WRITE, "owner"),
    # For programs
    "api/v1/messages": own(WRITE, form=_new_text, is_json=True),
    "api/v1/messages/<uuid:pk>": of("prompt", ("GET",), shows=("prompt",)),
    "api/v1/messages/<uuid:pk>/versions": api(
        "prompt", ("GET", "POST"), form=_new_text, shows=("prompt",)
    ),
    "api/v1/messages/<uuid:pk>/choose": api("done"),
    "api/v1/messages/<uuid:pk>/delete": api("done"),
    "api/v1/messages/<uuid:pk>/restore": api("deleted_turn"),
    "api/v1/messages/<uuid:pk>/fork": api("done", answers=(201,)),
    "api/v1/replies/<uuid:pk>": of("growing", ("GET",), shows=("growing_text",)),
    "api/v1/replies/<uuid:pk>/stop": api("growing"),
    "api/v1/replies/<uuid:pk>/run-now": api("later"),
    "api/v1/replies/<uuid:pk>/retry": api("failed"),
    "api/v1/replies/<uuid:pk>/versions": api("done", form=lambda _: {"count": 1}),
    "api/v1/replies/<uuid:pk>/repeat": api("done"),
    "api/v1/replies/<uuid:pk>/resume": api("cut"),
    "api/v1/replies/<uuid:pk>/proceed": api("paused"),
    "api/v1/replies/<uuid:pk>/edit": api("held", form=_new_text),
    "api/v1/replies/<uuid:pk>/remove": api("held"),
    "api/v1/replies/<uuid:pk>/rewrite": api("done", form=_new_text, answers=(201,)),
    "api/v1/replies/<uuid:pk>/feedback": api(
        "done", ("PUT",), form=lambda _: {"rating": "up"}
    ),
    "api/v1/conversations": own(
        ("GET", "POST"),
        form=_title,
        is_json=True,
        shows=("title_of_prompt",),
        answers=(201,),
    ),
    "api/v1/conversations/<uuid:pk>": of(
        "conversation", ("GET",), shows=("title_of_prompt",)
    ),
    "api/v1/conversations/<uuid:pk>/messages": of(
        "conversation", ("GET",), shows=("prompt", "other_version", "cut_reply")
    ),
    "api/v1/conversations/<uuid:pk>/export": of(
        "conversation", ("GET",), shows=("prompt", "reply", "other_version")
    ),
    "api/v1/conversations/<uuid:pk>/markdown": of(
        "conversation", ("GET",), shows=("prompt", "cut_reply")
    ),
    "api/v1/export": own(("GET",)),
    "api/v1/conversations/<uuid:pk>/settings": api(
        "conversation",
        ("GET", "PUT"),
        form=_temperature,
        shows=("instructions_here", "stop_string_here"),
    ),
    "api/v1/conversations/<uuid:pk>/rename": api("conversation", form=_title),
    "api/v1/conversations/<uuid:pk>/keep": api("temporary"),
    "api/v1/conversations/<uuid:pk>/pin": api("conversation"),
    "api/v1/conversations/<uuid:pk>/unpin": api("conversation"),
    "api/v1/conversations/<uuid:pk>/archive": api("conversation"),
    "api/v1/conversations/<uuid:pk>/unarchive": api("conversation"),
    "api/v1/conversations/<uuid:pk>/delete": api("conversation", is_of_deleted=True),
    "api/v1/conversations/<uuid:pk>/restore": api("deleted", is_of_deleted=True),
    "api/v1/settings": own(
        ("GET", "PUT"), form=_temperature, is_json=True, shows=("instructions",)
    ),
    "api/v1/presets": own(
        ("GET", "POST"),
        form=_name,
        is_json=True,
        shows=("preset_name", "preset_instructions"),
        answers=(201,),
    ),
    "api/v1/presets/<uuid:pk>": api(
        "preset",
        ("GET", "PATCH", "DELETE"),
        form=_name,
        shows=("preset_name", "preset_instructions"),
    ),
    "api/v1/conversations/<uuid:pk>/preset": api(
        "conversation", form=lambda world: {"preset": str(world.ids["preset"])}
    ),
    "api/v1/settings/ready-mail": own(
        ("GET", "PUT"),
        form=lambda _: {"is_wanted": False},
        is_json=True,
        changes=False,
    ),
    "api/v1/search": own(("GET",), query=_search, shows=("reply", "id_of_stuck")),
    "api/v1/allowances": own(("GET",)),
    "api/v1/conversations/<uuid:pk>/share": api("conversation", answers=(201,)),
    "api/v1/shared-links": own(("GET",), shows=("shared_address",)),
    "api/v1/shared-links/<uuid:pk>": of(
        "shared_link", ("GET",), shows=("shared_address",)
    ),
    "api/v1/shared-links/<uuid:pk>/renew": api("shared_link"),
    "api/v1/shared-links/<uuid:pk>/revoke": api("shared_link"),
    "api/v1/webhooks": own(
        ("GET", "POST"),
        form=_webhook,
        is_json=True,
        shows_accounts=("webhook_url", "webhook_description"),
        reads=(200, 403),
        answers=(201, 403),
        of_accounts=True,
    ),
    "api/v1/webhooks/<uuid:pk>": api_of_accounts(
        "webhook",
        ("GET", "PUT"),
        form=_webhook,
        shows=("webhook_url", "webhook_description"),
    ),
    "api/v1/webhooks/<uuid:pk>/test": api_of_accounts("webhook"),
    "api/v1/webhooks/<uuid:pk>/enable": api_of_accounts("webhook", changes=False),
    "api/v1/webhooks/<uuid:pk>/disable": api_of_accounts("webhook"),
    "api/v1/webhooks/<uuid:pk>/secret": api_of_accounts("webhook"),
    "api/v1/webhooks/<uuid:pk>/delete": api_of_accounts("webhook"),
    "api/v1/webhooks/<uuid:pk>/deliveries": api_of_accounts(
        "webhook", ("GET",), shows=("id_of_delivery",)
    ),
    "api/v1/deliveries/<uuid:pk>/retry": api_of_accounts("delivery"),
    # Batches
    "batches/": own(
        BOTH, shows_accounts=("file_name",), answers=(303, 422), changes=False
    ),
    "batches/<uuid:pk>/": of("batch", reads=(303,), of_accounts=True),
    "batches/<uuid:pk>/cancel/": of("batch", WRITE, of_accounts=True),
    "batches/<uuid:pk>/delete/": of("batch", WRITE, of_accounts=True, changes=False),
    "batches/<uuid:pk>/output/": of("batch", of_accounts=True),
    "batches/<uuid:pk>/errors/": of("batch", of_accounts=True),
    # Imports
    "imports/": own(
        BOTH, shows_accounts=("import_name",), answers=(303, 422), changes=False
    ),
    "imports/<uuid:pk>/": of("import", of_accounts=True, shows=("import_name",)),
    "imports/<uuid:pk>/confirm/": of(
        "import", WRITE, of_accounts=True, answers=(302,), changes=False
    ),
    "imports/<uuid:pk>/delete/": of("import", WRITE, of_accounts=True),
    "api/v1/imports": own(
        ("GET", "POST"),
        is_json=True,
        shows_accounts=("import_name",),
        reads=(200, 403),
        answers=(400, 403, 422),
        of_accounts=True,
        changes=False,
    ),
    "api/v1/imports/<uuid:pk>": api_of_accounts(
        "import", ("GET",), shows=("import_name",)
    ),
    "api/v1/imports/<uuid:pk>/conversations": api_of_accounts("import", ("GET",)),
    "api/v1/imports/<uuid:pk>/confirm": api_of_accounts("import", changes=False),
    "api/v1/imports/<uuid:pk>/delete": api_of_accounts("import"),
    # Accounts
    "account/": own(shows_accounts=("username", "email", "device")),
    "account/download/": own(
        shows=(
            "prompt",
            "other_version",
            "held_prompt",
            "instructions",
            "title_of_prompt",
            "preset_instructions",
        )
    ),
    "account/download/conversations/": own(),
    "account/erase/": own(BOTH, answers=(303, 422), changes=False),
    "account/log-out/": own(WRITE, changes=False),
    "account/elsewhere/": own(WRITE, of_accounts=True),
    "account/sessions/<str:name>/end/": of("session", WRITE, of_accounts=True),
    "account/merge/": own(BOTH, of_accounts=True, reads=(303,), changes=False),
    "account/password/": own(BOTH, of_accounts=True, answers=(422,), changes=False),
    "account/email/": own(
        BOTH, of_accounts=True, shows=("email",), answers=(422,), changes=False
    ),
    "account/ready-mail/": own(WRITE, of_accounts=True, changes=False),
    "account/sign-up/": own(BOTH, reads=(200, 303), answers=(303, 422), changes=False),
    "account/log-in/": own(BOTH, reads=(200, 303), answers=(303, 422), changes=False),
    "account/forgotten/": own(BOTH, answers=(422,), changes=False),
    "account/keys/": own(
        BOTH, shows_accounts=("key_name",), answers=(303, 422), changes=False
    ),
    "account/keys/<uuid:pk>/revoke/": of("key", WRITE, of_accounts=True),
    "account/webhooks/": own(
        BOTH,
        shows_accounts=("webhook_url", "webhook_description"),
        answers=(303, 422),
        changes=False,
    ),
    "account/webhooks/<uuid:pk>/": of(
        "webhook",
        of_accounts=True,
        shows=("webhook_url", "webhook_description", "id_of_delivery"),
    ),
    "account/webhooks/<uuid:pk>/change/": of(
        "webhook",
        WRITE,
        of_accounts=True,
        form=lambda world: {
            "id": world.ids.get("webhook", ""),
            "url": "https://hooks.example/other",
            "events": "reply.failed",
        },
    ),
    "account/webhooks/<uuid:pk>/test/": of("webhook", WRITE, of_accounts=True),
    "account/webhooks/<uuid:pk>/switch/": of("webhook", WRITE, of_accounts=True),
    "account/webhooks/<uuid:pk>/secret/": of("webhook", WRITE, of_accounts=True),
    "account/webhooks/<uuid:pk>/delete/": of("webhook", WRITE, of_accounts=True),
    "account/deliveries/<uuid:pk>/retry/": of("delivery", WRITE, of_accounts=True),
    # Whoever has the secret of a link
    "account/invited/<str:secret>/": own(
        BOTH, of="owner", reads=(303, 410), answers=(303, 410), changes=False
    ),
    "account/reset/<uuid:pk>/<str:token>/": Entry(Kind.PUBLIC, BOTH, "owner"),
    "account/email/<str:token>/": Entry(Kind.PUBLIC, BOTH, "owner"),
    "account/ready-mail/<str:token>/": Entry(Kind.PUBLIC, BOTH, "owner"),
    # Those who run the site
    "account/invitations/": Entry(Kind.STAFF, BOTH, tells_staff=("note", "username")),
    "account/invitations/<uuid:pk>/revoke/": Entry(Kind.STAFF, WRITE, "owner"),
    "operator/": Entry(Kind.STAFF),
    "operator/history/": Entry(Kind.STAFF),
    "operator/worker/": Entry(Kind.STAFF, WRITE),
    "operator/model/": Entry(Kind.STAFF, WRITE),
    "operator/retry/": Entry(Kind.STAFF, WRITE),
    "operator/notice/": Entry(Kind.STAFF, WRITE),
    # For programs with a key alone
    "v1/models": Entry(Kind.KEY),
    "v1/models/<str:name>": Entry(Kind.KEY),
    "v1/chat/completions": Entry(Kind.KEY, WRITE, is_json=True),
    "v1/completions": Entry(Kind.KEY, WRITE, is_json=True),
    "v1/files": Entry(Kind.KEY, BOTH, is_json=True),
    "v1/files/<str:pk>": of_key("file", (*READ, "DELETE"), shows=("file_name",)),
    "v1/files/<str:pk>/content": of_key("file", shows=("batch_prompt",)),
    "v1/batches": Entry(Kind.KEY, BOTH, is_json=True),
    "v1/batches/<str:pk>": of_key("batch", shows=("batch_note",)),
    "v1/batches/<str:pk>/cancel": of_key("batch", WRITE),
    "v1/": Entry(Kind.PUBLIC, ALL),
    # Nobody's
    "api/v1/": Entry(Kind.PUBLIC, ALL),
    "api/v1/openapi.json": Entry(Kind.PUBLIC),
    "api/v1/export.schema.json": Entry(Kind.PUBLIC),
    "api/v1/docs": Entry(Kind.PUBLIC),
    "service-worker.js": Entry(Kind.PUBLIC),
    "manifest.webmanifest": Entry(Kind.PUBLIC),
    "healthz": Entry(Kind.PUBLIC),
    "livez": Entry(Kind.PUBLIC),
    "readyz": Entry(Kind.PUBLIC),
    "metrics": Entry(Kind.PUBLIC),
    "status/": Entry(Kind.PUBLIC),
    "api/v1/status": own(("GET",)),
    # Counts who guesses.
    "admin/login/": own(BOTH, answers=(200,), changes=False),
    "admin/logout/": own(ALL, answers=(302,), reads=(302,), changes=False),
}
#: Django's admin guards its pages alike, and brings new ones with every model.
ADMIN = Entry(Kind.STAFF, ("GET", "POST"))
#: What of an owner's is no text: support may see it.
NO_TEXT = ("id_of", "username", "email", "device", "note", "name_of_session")


def entry_of(route: Route) -> Entry:
    """Raises ``LookupError`` where nobody said whose it is."""
    if route.written in TABLE:
        return TABLE[route.written]
    if route.name.startswith("admin:") or route.written.startswith("admin/"):
        return ADMIN
    raise LookupError(
        f"{route.written!r} stands in no table: say in tests/access/access_rules.py whose it"
        " is (own, of, api or Kind.PUBLIC), which methods it takes, and what its owner"
        " reads there"
    )
