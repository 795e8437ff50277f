"""Fair shares: simulations that drive the real scripts of the line."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from chatsite import wire
from chatsite.mailbox import CollectedReply, Mailbox

REQUEST = wire.Request((wire.Turn(wire.Role.USER, "hi"),), wire.SamplingParams(), 60)
numbers = itertools.count()


def join(box: Mailbox, owner: str, cost: float = 200, share: str = "") -> str:
    reply = f"{owner}-{next(numbers)}"
    box.enqueue(
        *(reply, 1),
        owner=owner,
        share=share or owner,
        model="m",
        request=REQUEST,
        cost=cost,
    )
    return reply


def serve(box: Mailbox, tokens: int | None = None) -> str | None:
    """Answer the first reply in line with so many tokens; return its owner."""
    claim = box.claim("m", "w", 60)
    if claim is None:
        return None
    if tokens is not None:
        ending = wire.Ending(wire.Outcome.DONE, prompt_tokens=0, new_tokens=tokens)
        box.finish((claim.reply, claim.token, 0, "x", tokens), ending)
        box.mark_collected([CollectedReply(claim.reply, 1)])
    return claim.reply.partition("-")[0]


def test_one_message_waits_for_at_most_two_of_anothers_fifty(
    box: Mailbox,
) -> None:
    for _ in range(50):
        join(box, "many")
    served = [serve(box, 200)]
    for number in range(9):
        join(box, f"single{number}")
    served += [serve(box, 200) for _ in range(58)]
    for number in range(9):
        before = served[: served.index(f"single{number}")]
        assert before.count("many") <= 2
    assert served.count("many") == 50


def test_nobody_starves_while_newcomers_keep_coming(box: Mailbox) -> None:
    for _ in range(5):
        join(box, "patient")
    served = []
    for number in range(60):
        join(box, f"new{number}")
        join(box, f"more{number}")
        served.append(serve(box, 200))
    assert served.count("patient") >= 2


def test_tokens_are_shared_and_not_turns(box: Mailbox) -> None:
    """Both estimate the same cost, but one's replies are twenty times as long."""
    for _ in range(60):
        join(box, "short")
        join(box, "long")
    tokens = {"short": 20, "long": 400}
    spent: Counter[str] = Counter()
    while len(box.first_in_line("m", 200)) > 60:
        (following,) = box.first_in_line("m", 1)
        owner = following.partition("-")[0]
        assert serve(box, tokens[owner]) == owner
        spent[owner] += tokens[owner]
        if spent["short"] >= 60 * 20:
            break
    assert abs(spent["short"] - spent["long"]) <= 2 * 400


@pytest.mark.parametrize("windows", [1, 10])
def test_private_windows_of_one_network_share_one_place(
    box: Mailbox, windows: int
) -> None:
    for number in range(40):
        join(box, f"window{number % windows}", share="network:a")
        join(box, "alone")
    served = [serve(box, 200) for _ in range(40)]
    assert abs(served.count("alone") - 20) <= 1


def test_a_new_window_waits_behind_those_of_its_network(box: Mailbox) -> None:
    for _ in range(10):
        join(box, "first", share="network:a")
    join(box, "fresh", share="network:a")
    join(box, "neighbour", share="network:b")
    served = [serve(box, 200) for _ in range(12)]
    assert served.index("neighbour") <= 1
    assert served.index("fresh") == 11


def test_a_guest_who_changes_networks_loses_no_message(box: Mailbox) -> None:
    for _ in range(3):
        join(box, "moving", share="network:a")
    join(box, "staying", share="network:a")
    for _ in range(3):
        join(box, "moving", share="network:b")
    served = [serve(box, 200) for _ in range(7)]
    assert served.count("moving") == 6
    assert served.count("staying") == 1
    assert serve(box) is None


@pytest.mark.parametrize("seed", range(5))
def test_two_shares_differ_by_no_more_than_the_papers_bound(
    box: Mailbox, seed: int
) -> None:
    """Golestani 1994, theorem 1: by at most the sum of their largest costs.

    Equal weights; costs are known beforehand here, as the paper has it.
    """
    dice = random.Random(seed)
    owners = ["a", "b", "c", "d"]
    largest = {"a": 50, "b": 400, "c": 1000, "d": 200}
    costs: dict[str, float] = {}
    waiting: Counter[str] = Counter()
    #: For each pair, the tokens of each since both began to wait together.
    got: dict[tuple[str, str], list[float]] = {}

    def arrive(owner: str) -> None:
        cost = dice.randint(10, largest[owner])
        costs[join(box, owner, cost)] = cost
        waiting[owner] += 1

    for owner in owners * 5:
        arrive(owner)
    for _ in range(600):
        for owner in owners:
            if dice.random() < (0.3 if waiting[owner] < 8 else 0.05):
                arrive(owner)
        both = [
            pair
            for pair in itertools.combinations(owners, 2)
            if all(waiting[owner] for owner in pair)
        ]
        got = {pair: got.get(pair, [0.0, 0.0]) for pair in both}
        claim = box.claim("m", "w", 60)
        if claim is None:
            continue
        owner, cost = claim.reply.partition("-")[0], costs[claim.reply]
        ending = wire.Ending(wire.Outcome.DONE, new_tokens=int(cost))
        box.finish((claim.reply, claim.token, 0, "x", 1), ending)
        box.mark_collected([CollectedReply(claim.reply, 1)])
        waiting[owner] -= 1
        for pair, amounts in got.items():
            if owner in pair:
                amounts[pair.index(owner)] += cost
            bound = largest[pair[0]] + largest[pair[1]]
            assert abs(amounts[0] - amounts[1]) <= bound
