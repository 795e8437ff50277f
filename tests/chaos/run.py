"""A run: guests at work while faults happen, and the audit in the end.

python -m tests.chaos.run        (CHAOS_SECONDS, CHAOS_JSON, CHAOS_GUESTS, CHAOS_CUTS …)

Its size is set by variables, which docs/reliability.md explains. Power cuts follow the faults, on a site of their own: see ``tests.chaos.power_cuts``.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.chaos.audit import Audit, examine, keys_left, leaks, summary, takeovers
from tests.chaos.batches import BatchAudit, Batcher, examine_batches
from tests.chaos.crash_disk import NoDisk
from tests.chaos.faults import FAULTS, TAKE_A_WORKER, Fault, faults_here
from tests.chaos.guests import TERMINAL, Guest, after, crowd
from tests.chaos.power_cuts import PowerCuts
from tests.chaos.site import Site
from tests.chaos.streams import CallAudit, Caller, examine_calls, make_key
from tests.chaos.streams import start as start_calling
from worker.engine.script import expected_reply

#: After the last fault everything has this long to come to an end.
SETTLING_SECONDS = float(os.environ.get("CHAOS_SETTLING", "120"))
#: And the mailbox this long to let go.
LETTING_GO_SECONDS = min(60, SETTLING_SECONDS)
PROBE_SECONDS = 60
GROWTH_MEBIBYTES = 80
#: In a calm run: how long a prompt takes when nothing is broken.
UNTOUCHED = "untouched"
WORDS = "sea bee rain river cat moon bread lamp stone wind"
#: How many words a reply has.
COUNTS = [
    int(count)
    for count in (os.environ.get("CHAOS_WORDS") or "3 8 8 15 15 30 60 120").split()
]


def prompt(dice: random.Random, counts: Sequence[int] = COUNTS) -> str:
    """Most replies are short, some long; every one has words of its own."""
    own = f"{dice.getrandbits(40):x}"
    count = dice.choice(counts)
    delay = dice.choice([0.01, 0.02, 0.05])
    said = " ".join(dice.choices(WORDS.split(), k=4))
    unicode = " [unicode]" if dice.random() < 0.2 else ""
    return f"{own} {said} [run] [words={count}] [delay={delay}]{unicode}"


class Run:
    def __init__(
        self,
        *,
        seconds: float,
        rounds: int = 0,
        guests: int = 20,
        callers: int = 4,
        lines: int = 200,
        pause: float = 7,
        seed: int = 1,
        only: Sequence[str] = (),
        model: str = "scripted",
        without: str = "",
        is_calm: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``rounds``: how often each fault is made, whatever ``seconds`` says; 0: what
        fits into these. ``pause``: seconds between faults. ``only``: these faults.
        ``is_calm``: one at a time, each after the site is well again, to see how long
        that takes."""
        if unknown := set(only) - set(FAULTS):
            raise SystemExit(f"No faults: {unknown}. There are: {', '.join(FAULTS)}")
        self._seconds = seconds
        self._rounds = rounds
        self._pause = pause
        self._dice = random.Random(seed)
        self._only = only
        self._is_calm = is_calm
        self._say = say
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.site = Site(self._folder, model=model, without=without)
        is_scripted = model in ("scripted", "remote")
        expected = expected_reply if is_scripted else lambda _: None
        text_of = prompt if is_scripted else question
        self._guests = [
            Guest(self.site.url, random.Random(f"{seed} {n}"), expected, text_of)
            for n in range(guests)
        ]
        self._expected = expected
        self._callers = [
            Caller(self.site.url, "", random.Random(f"{seed} caller {n}"), text_of)
            for n in range(callers)
        ]
        self._batcher = Batcher(
            self.site.url, lines, random.Random(f"{seed} batch"), text_of
        )
        self._made: defaultdict[str, int] = defaultdict(int)
        self._recovery: defaultdict[str, list[float]] = defaultdict(list)
        #: When a worker was taken away, and how.
        self._taken: list[tuple[str, float]] = []
        self._probes: list[threading.Thread] = []
        self._are_faults_over = threading.Event()
        self._is_over = threading.Event()

    def run(self) -> Audit:
        faults, lacking = faults_here(self.site)
        if self._only:
            faults = {name: FAULTS[name] for name in self._only if name in faults}
        for line in lacking:
            self._say(line)
        try:
            self.site.start()
            threads = crowd(self._guests, self._are_faults_over.is_set)
            threads += self._call()
            watcher = threading.Thread(target=self._watch_memory, daemon=True)
            watcher.start()
            self._break(faults)
            self._are_faults_over.set()
            for thread in (*threads, *self._probes):
                thread.join(PROBE_SECONDS)
            audit = self._settle()
        finally:
            self._are_faults_over.set()
            self._is_over.set()
            self.site.close()
        audit.made, audit.lacking = dict(self._made), lacking
        audit.faults = sum(self._made.values())
        audit.recovery = {
            name: summary(times) for name, times in self._recovery.items()
        }
        if audit.is_clean and not audit.failed:
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            audit.details.append(f"logs and data: {self._folder}")
        return audit

    def _call(self) -> list[threading.Thread]:
        """Let programs call and send a batch, with a key of one account."""
        if self._callers or self._batcher.texts:
            key = make_key(self.site.web)
            for caller in (*self._callers, self._batcher):
                caller.key = key
        is_over = self._are_faults_over.is_set
        return start_calling(self._callers, is_over) + self._batcher.start(is_over)

    def _break(self, faults: dict[str, Fault]) -> None:
        time.sleep(2)
        if self._is_calm:
            faults = {UNTOUCHED: lambda *_: None, **faults}
        for name in self._chosen(list(faults)):
            self._say(name)
            probe = self._probe(name)
            if name in TAKE_A_WORKER:
                self._taken.append((name, time.time()))
            faults[name](self.site, self._dice)
            self._made[name] += name != UNTOUCHED
            if self._is_calm:
                probe.join(PROBE_SECONDS)
            time.sleep(self._pause * self._dice.uniform(0.5, 1.5))

    def _chosen(self, names: list[str]) -> Iterator[str]:
        """Each of them once before any comes again, until the run is over."""
        is_late = after(self._seconds - 3)
        for number in itertools.count(1):
            self._dice.shuffle(names)
            for name in names:
                if not self._rounds and is_late():
                    return
                yield name
            if number == self._rounds:
                return

    def _probe(self, name: str) -> threading.Thread:
        """A prompt sent as the fault begins: how long until it is answered."""
        number = len(self._probes)
        template = self._guests[0]
        guest = Guest(
            self.site.url,
            random.Random(f"probe {number}"),
            template.expected,
            lambda dice: f"probe {dice.getrandbits(40):x} [run] [words=3]",
        )

        def measure() -> None:
            began = time.monotonic()
            is_late = after(PROBE_SECONDS)
            while not guest.first_visit() and not is_late():
                time.sleep(0.2)
            sent = guest.send(is_late)
            if sent is not None:
                guest.watch(sent, is_late)
                if sent.state == "done":
                    self._recovery[name].append(time.monotonic() - began)

        thread = threading.Thread(target=measure, daemon=True)
        self._guests.append(guest)
        self._probes.append(thread)
        thread.start()
        return thread

    def _settle(self) -> Audit:
        """No more faults: everything ends, and the mailbox lets go."""
        self._say("settling")
        deadline = time.monotonic() + SETTLING_SECONDS
        while time.monotonic() < deadline:
            audit = examine(self.site.database, self._guests)
            coming = self._examine_calls().pending + self._examine_batches().pending
            if not audit.pending and not coming:
                break
            time.sleep(1)
        for guest in self._guests:
            for sent in guest.sent:
                if sent.state not in TERMINAL or guest.dice.random() < 0.05:
                    guest.look(sent)
        audit = examine(self.site.database, self._guests)
        deadline = time.monotonic() + LETTING_GO_SECONDS
        while (left := keys_left(self.site.client)) and time.monotonic() < deadline:
            time.sleep(1)
        audit.keys_left = left
        audit.calls = self._examine_calls()
        audit.batches = self._examine_batches()
        audit.grown = self._grown()
        # Where faults overlap nobody can say which of them took a worker away.
        moments = self._taken if self._is_calm else []
        taken = takeovers(self.site.database, moments)
        audit.takeover = {name: summary(seconds) for name, seconds in taken.items()}
        audit.leaks = leaks(
            [part.log for part in self.site.parts], [*self._guests, *self._callers]
        )
        return audit

    def _examine_calls(self) -> CallAudit:
        return examine_calls(self.site.database, self._callers, self._expected)

    def _examine_batches(self) -> BatchAudit:
        return examine_batches(self.site.database, self._batcher, self._expected)

    def _watch_memory(self) -> None:
        while not self._is_over.wait(2):
            self.site.note_memory()

    def _grown(self) -> dict[str, float]:
        """From the second third of each process's life to its end."""
        grown = {}
        for part in self.site.parts:
            notes = part.memory[len(part.memory) // 3 :]
            if len(notes) > 10 and notes[-1] - notes[0] > GROWTH_MEBIBYTES:
                grown[part.name] = round(notes[-1] - notes[0], 1)
        return grown


def question(dice: random.Random) -> str:
    """For a real model, whose words nobody knows beforehand."""
    return f"Say something about the {dice.choice(WORDS.split())}, in one sentence."


def main() -> int:
    seconds, cuts = _number("CHAOS_SECONDS", 120), int(_number("CHAOS_CUTS", 3))
    audits: dict[str, Audit] = {}
    if seconds:
        audits["faults"] = _faults(seconds).run()
    if cuts:
        audits["power_cuts"] = _power_cuts(cuts)
    text = json.dumps({name: asdict(audit) for name, audit in audits.items()}, indent=2)
    print(text)
    if target := os.environ.get("CHAOS_JSON"):
        Path(target).write_text(text + "\n")
    is_good = all(
        audit.is_clean and not audit.keys_left and not audit.leaks
        for audit in audits.values()
    )
    return 0 if is_good else 1


def _faults(seconds: float) -> Run:
    model = os.environ.get("CHAOS_MODEL", "scripted")
    return Run(
        seconds=seconds,
        rounds=int(_number("CHAOS_ROUNDS", 0)),
        guests=int(_number("CHAOS_GUESTS", 20)),
        callers=int(_number("CHAOS_CALLERS", 4)) if model == "scripted" else 0,
        lines=int(_number("CHAOS_LINES", 200)) if model == "scripted" else 0,
        seed=int(_number("CHAOS_SEED", 1)),
        pause=_number("CHAOS_PAUSE", 7),
        only=os.environ.get("CHAOS_ONLY", "").split(),
        model=model,
        without=os.environ.get("CHAOS_WITHOUT", ""),
        is_calm=bool(os.environ.get("CHAOS_CALM")),
        say=_say,
    )


def _power_cuts(cuts: int) -> Audit:
    messages = int(_number("CHAOS_MESSAGES", 40 * cuts))
    try:
        run = PowerCuts(cuts, messages, prompt, seed=int(_number("CHAOS_SEED", 1)))
        return run.run(_say)
    except NoDisk as reason:
        _say(f"no power cuts: {reason}")
        return Audit(lacking=[f"no power cuts: {reason}"])


def _number(variable: str, default: float) -> float:
    return float(os.environ.get(variable) or default)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
