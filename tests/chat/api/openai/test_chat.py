"""Chat completions: the queue of the page, in the shape that clients know."""

from __future__ import annotations

import json

import pytest

from chat.accounts.api_keys import make_key
from chat.models import ApiKey, Conversation, Reply
from chatsite import wire
from chatsite.model_choice import current_catalog
from tests.chat.api.openai.conftest import ASK, KeyClient

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_whole_answer(program, answered) -> None:
    answered("Honey.")
    answer = program.chat()
    body = answer.json()
    assert body["object"] == "chat.completion"
    (choice,) = body["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Honey.",
        "refusal": None,
    }
    assert choice["finish_reason"] == "stop"
    assert body["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "total_tokens": 7,
    }
    assert "Set-Cookie" not in answer.headers
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["x-request-id"]


def test_every_model_of_the_catalogue_can_be_asked_while_it_is_served(
    program, box
) -> None:
    names = [entry.name for entry in current_catalog().entries]
    for name in names:
        box.announce(wire.Announcement("w", name, name, wire.Stage.LOADING))
        answer = program.chat(model=name, stream=True)
        assert answer.status_code == 200, answer.content
        answer.close()
    models = Reply.objects.order_by("queued_at").values_list("model", flat=True)
    assert [*models] == names
    assert "smollm2" in names


def test_a_model_that_no_worker_serves_is_refused_at_once(program, settings) -> None:
    answer = program.chat(model="smollm2", stream=True)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "no_worker"
    assert not Reply.objects.exists()
    settings.CHAT_MODELS = ("scripted", "smollm2")
    assert program.chat(model="smollm2", stream=True).status_code == 200


def test_a_stream(program, meanwhile, worker) -> None:
    def write() -> None:
        claim = worker.claim()
        worker.write(claim, "Honey")
        worker.finish(claim, "Honey. Ünd wäx.", is_length_limited=True)

    written = meanwhile(write)
    first, *middle, last, usage = program.events(stream_options={"include_usage": True})
    written.result()
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    texts = [one["choices"][0]["delta"]["content"] for one in middle]
    assert "".join(texts) == "Honey. Ünd wäx."
    assert last["choices"][0]["finish_reason"] == "length"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 7)
    assert len({one["id"] for one in (first, *middle, last, usage)}) == 1


def test_a_worker_that_takes_over_goes_on_where_the_text_stood(
    program, meanwhile, worker, box
) -> None:
    def write_twice() -> None:
        claim = worker.claim()
        worker.write(claim, "Honey and")
        box.hand_back(claim.reply, claim.token)
        worker.answer("Honey and wax.")

    written = meanwhile(write_twice)
    events = [*program.events()]
    written.result()
    texts = [one["choices"][0]["delta"].get("content", "") for one in events]
    assert "".join(texts) == "Honey and wax."


def test_another_text_after_a_loss_ends_the_stream_with_an_error(
    program, meanwhile, worker, box, until
) -> None:
    def write_twice() -> None:
        claim = worker.claim()
        worker.write(claim, "Honey and")
        until(_has_seen_text)
        box.hand_back(claim.reply, claim.token)
        worker.answer("Something else.")

    written = meanwhile(write_twice)
    *_, last = program.events()
    written.result()
    assert last["error"]["code"] == "worker_lost"


def _has_seen_text() -> bool:
    from chat.services.live.hub import hub

    (stream,) = hub()._watchers
    return bool(stream.replies[0].text)


def test_several_choices(program, answered, meanwhile, worker) -> None:
    done = meanwhile(lambda: [worker.answer(f"reply {n}") for n in range(2)])
    body = program.chat(n=2, seed=7).json()
    done.result()
    assert [one["index"] for one in body["choices"]] == [0, 1]
    assert body["usage"]["completion_tokens"] == 4
    seeds = Reply.objects.order_by("seed").values_list("seed", flat=True)
    assert [*seeds] == [7, 8]


def test_what_a_call_asks_for_reaches_the_worker(program, meanwhile, worker) -> None:
    answered = meanwhile(lambda: worker.answer("Honey."))
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Bees?"}]},
    ]
    program.chat(
        messages,
        temperature=0,
        top_p=0,
        top_k=-1,
        min_p=0.1,
        presence_penalty=1,
        frequency_penalty=-1,
        repetition_penalty=1.2,
        stop="x",
        seed=3,
        max_completion_tokens=9,
        logit_bias={"5": -100},
    )
    request = wire.Request.from_json(answered.result().request)
    assert [(turn.role, turn.text) for turn in request.turns] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Hi."),
        ("system", "Be kind."),
        ("user", "Bees?"),
    ]
    sampling = request.settings
    assert (sampling.temperature, sampling.top_k, sampling.min_p) == (0, 0, 0.1)
    assert (sampling.presence_penalty, sampling.frequency_penalty) == (1, -1)
    assert (sampling.stop, sampling.seed, sampling.max_new_tokens) == (("x",), 3, 9)
    assert sampling.logit_bias == {5: -100}
    assert request.is_cut_refused
    assert not request.is_raw


def test_the_prompt_of_a_completion_is_taken_as_it_is(
    program, meanwhile, worker
) -> None:
    answered = meanwhile(lambda: worker.answer(" honey"))
    body = program.post(
        "completions", {"model": "scripted", "prompt": " Bees make\n", "max_tokens": 4}
    ).json()
    assert body["object"] == "text_completion"
    assert body["choices"][0]["text"] == " honey"
    request = wire.Request.from_json(answered.result().request)
    assert request.is_raw
    assert [turn.text for turn in request.turns] == [" Bees make\n"]


def test_a_reply_that_failed_is_an_error(program, answered) -> None:
    answered("", outcome=wire.Outcome.FAILED)
    answer = program.chat()
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "model_error"
    answered("", outcome=wire.Outcome.FAILED)
    *_, last = program.events()
    assert last["error"]["type"] == "server_error"


def test_turns_that_go_on_join_the_conversation(program, answered) -> None:
    system = {"role": "system", "content": "Be brief."}
    answered("Honey.")
    program.chat([system, *ASK])
    answered("Wax.")
    more = [
        {"role": "assistant", "content": "Honey."},
        {"role": "user", "content": "And what else?"},
    ]
    program.chat([system, *ASK, *more])
    conversation = Conversation.objects.get()
    texts = [message.text for message in conversation.path()]
    assert texts == ["What do bees make?", "Honey.", "And what else?", "Wax."]
    assert conversation.title == "What do bees make?"
    reply = Reply.objects.latest("queued_at")
    assert (reply.instructions, "turns" in reply.call) == ("Be brief.", False)
    # Turns that end otherwise begin another one, and bring all they say.
    answered("Pollen.")
    other = [{"role": "assistant", "content": "Milk."}, more[1]]
    program.chat([system, *ASK, *other])
    assert Conversation.objects.count() == 2
    assert "turns" in Reply.objects.latest("queued_at").call


def test_a_key_that_keeps_nothing_hides_its_calls(account, box, answered) -> None:
    _, secret = make_key(account, "quiet", keeps_conversations=False)
    answered()
    KeyClient(secret).chat()
    assert Conversation.objects.get().is_hidden


def test_a_helper_key_waits_behind_people(account, box, sent, worker) -> None:
    _key, secret = make_key(account, "helper", is_helper=True)
    events = KeyClient(secret).chat(stream=True)
    person = sent(account, "from a person")
    assert worker.claim().reply == str(person.pk)
    events.close()


def test_a_call_repeated_with_its_key_is_answered_once(program, answered) -> None:
    answered("Honey.")
    body = {"model": "scripted", "messages": ASK}
    headers = {"Idempotency-Key": "once"}
    first = program.post("chat/completions", body, **headers).json()
    again = program.post("chat/completions", body, **headers).json()
    assert (first["id"], first["choices"]) == (again["id"], again["choices"])
    assert Reply.objects.count() == 1


def test_a_client_that_hangs_up_stops_its_replies(program, worker) -> None:
    answer = program.chat(stream=True)
    parts = iter(answer.streaming_content)
    next(parts)
    answer.close()
    assert Reply.objects.get().state == wire.State.STOPPED


@pytest.mark.parametrize(
    ("limit", "should_retry"),
    [("ACCOUNT_MESSAGES_PER_MINUTE", None), ("ACCOUNT_MESSAGES_PER_DAY", "false")],
)
def test_limits_are_told_with_the_time_to_wait(
    program, settings, answered, limit: str, should_retry: str | None
) -> None:
    setattr(settings, limit, 1)
    answered()
    program.chat()
    refused = program.chat()
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) >= 1
    assert refused.headers.get("x-should-retry") == should_retry
    assert refused.json()["error"]["type"] == "rate_limit_error"


def test_revoked_keys_do_nothing(key: tuple[ApiKey, str], program) -> None:
    from chat.accounts.api_keys import revoke

    revoke(key[0])
    answer = program.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        401,
        "invalid_api_key",
    )
    assert not Reply.objects.exists()


def test_the_body_must_be_a_json_object(program) -> None:
    for body in (b"{", b"[1]", b"[" * 100_000, b"\xff"):
        answer = program.post("chat/completions", body)
        assert (answer.status_code, answer.json()["error"]["type"]) == (
            400,
            "invalid_request_error",
        )


def test_a_preflight_of_a_browser_needs_no_key(client) -> None:
    answer = client.options("/v1/chat/completions", headers={"Origin": "https://a.b"})
    assert answer.status_code == 204
    assert "authorization" in answer["Access-Control-Allow-Headers"]


def test_models(program, worker) -> None:
    data = program.get("models").json()["data"]
    assert data[0]["id"] == "scripted"
    assert program.get("models/scripted").json()["object"] == "model"
    missing = program.get("models/nothing")
    assert missing.status_code == 404
    assert json.loads(missing.content)["error"]["code"] == "model_not_found"
