"""Titles that a model finds, in place of the first words of a conversation.

A conversation has a title at once. After its first reply the keeper asks the model for
a better one, if a worker has a row for which no reply waits: as a helper job, which any
message of a person overtakes. A title that a person has typed stays.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from chat.models import Conversation, Origin, Reply, TitleJob
from chat.models.conversation import title_from, without_directions
from chat.services.calls import Call, Caller, save_call
from chat.services.effective_settings import catalog_entry
from chat.services.idempotency import NewIds
from chat.services.jobs.guarded import guarded
from chat.services.jobs.wanted_titles import WORDS_MAX
from chat.services.notify import notify_pages
from chat.services.wait_estimate import free_rows, ready_workers
from chat.text_cleanup import as_line
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.mailbox import open_mailbox

#: A model that writes more has begun something else.
TOKENS_MAX = 32
TEMPERATURE = 0.2
#: An answer of more words than this is a sentence, and no title.
WORDS_OF_A_TITLE = 12
#: How much of the message the model reads.
EXCERPT_CHARACTERS = 1000
#: A title that no worker had time for by then is not missed.
GIVEN_UP_AFTER = timedelta(hours=1)
INSTRUCTION = "Summarize this request as a short title, in the language of the request."
#: After this beginning of the answer, small models also write a title, and no sentence.
BEGUN = "Title:"
#: What models put around a title, or before it.
AROUND = " \t.:*#_`\"'“”„«»‘’"
LABEL = re.compile(r"^\W*(?:title|titel|título)\s*:", re.IGNORECASE)
#: What comes after the title proper: "Bees: how they live".
SUBTITLE = re.compile(r"(?<=\w)(?::| [-–—]) .*")


def run_titles() -> None:
    """Use the titles that are there, and ask for further ones where workers are idle.

    Raises ``MailboxAway``.
    """
    jobs = TitleJob.objects.select_related(
        "conversation__owner", "asked_in__active_leaf__reply"
    )
    for job in jobs.filter(asked_in__active_leaf__reply__state__in=ENDED):
        guarded(_use, job)
    late = timezone.now() - GIVEN_UP_AFTER
    TitleJob.objects.filter(asked_in=None, created_at__lt=late).delete()
    waiting = jobs.filter(asked_in=None).order_by("created_at")
    models = waiting.exclude(**{MODEL: None}).values_list(MODEL, flat=True)
    for model in models.order_by().distinct():
        for job in waiting.filter(**{MODEL: model})[: _idle_rows(model)]:
            guarded(_ask, job)


#: States in which the reply that is the title has ended.
ENDED = (wire.State.DONE, wire.State.STOPPED, wire.State.FAILED)
#: The model of the last reply of the conversation.
MODEL = "conversation__active_leaf__reply__model"


def _idle_rows(model: str) -> int:
    """How many jobs a model's workers could begin now, beside all that waits."""
    box = open_mailbox()
    if box.is_paused(model):
        return 0
    ready = ready_workers(box.workers(model))
    helping = sum(worker.helpers for worker in ready)
    return max(0, free_rows(ready) - helping - sum(box.waiting_by_kind(model)))


@transaction.atomic
def _ask(job: TitleJob) -> None:
    conversation, ids = job.conversation, NewIds(uuid4(), uuid4())
    messages = conversation.loaded(conversation.path_ids()[:2])
    if len(messages) < 2 or not _claim(job):
        return
    entry = catalog_entry(messages[1].reply.model)
    owner = conversation.owner
    caller = Caller(owner, None, is_helper=True, is_hidden=True, joins=False)
    reply = save_call(caller, _call(entry, messages[0].text), ids)
    Reply.objects.filter(pk=reply.pk).update(origin=Origin.TITLE)
    TitleJob.objects.filter(pk=job.pk).update(asked_in=ids.conversation)


def _claim(job: TitleJob) -> bool:
    """Lock a job that was not asked for yet; False if another keeper has."""
    jobs = TitleJob.objects.select_for_update().filter(pk=job.pk, asked_in=None)
    return jobs.first() is not None


def _call(entry: ModelEntry, message: str) -> Call:
    asked = f"{message[:EXCERPT_CHARACTERS]}\n\n{INSTRUCTION}"
    turns = wire.Turn(wire.Role.USER, asked), wire.Turn(wire.Role.ASSISTANT, BEGUN)
    chosen = replace(entry.settings, temperature=TEMPERATURE, max_new_tokens=TOKENS_MAX)
    return Call(turns, entry, chosen)


@transaction.atomic
def _use(job: TitleJob) -> None:
    """Replace the title that was made of the first words, and forget the job."""
    asked = job.asked_in
    if asked is None or asked.active_leaf is None:
        return
    answer = asked.active_leaf
    if answer.reply.state == wire.State.DONE:
        _rename(job.conversation, title_of(answer.text))
    job.delete()
    Conversation.objects.filter(pk=asked.pk, is_hidden=True).delete()


def _rename(conversation: Conversation, title: str) -> None:
    """Give a title to a conversation that still has that of its first words."""
    first = conversation.loaded(conversation.path_ids()[:1])
    if not title or not first:
        return
    is_untouched = {"pk": conversation.pk, "title": title_from(first[0].text)}
    if Conversation.objects.filter(**is_untouched).update(title=title):
        transaction.on_commit(lambda: notify_pages(conversation.owner_id))


def title_of(answer: str) -> str:
    """The title in an answer of a model; empty if there is none."""
    lines = (as_line(without_directions(line)) for line in answer.splitlines())
    titles = (LABEL.sub("", line).strip(AROUND) for line in lines)
    title = next((one for one in titles if any(map(str.isalnum, one))), "")
    if len(title.split()) > WORDS_OF_A_TITLE:
        return ""
    if len(title.split()) > WORDS_MAX:
        title = SUBTITLE.sub("", title)
    return title_from(" ".join(title.split()[:WORDS_MAX]).strip(AROUND))
