"""The examples of docs/openai.md, run as they are written against a whole site."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.documents import DOCUMENTS
from tests.integration.whole_site import WholeSite
from worker.engine.script import expected_reply

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```", DOCUMENTS["docs/openai.md"], re.DOTALL | re.MULTILINE
)


def run(site: WholeSite, example: str, folder: Path) -> str:
    """What an example prints, with the address, key and model of a site."""
    for written, own in (
        ("http://127.0.0.1:8000", site.url),
        ("csk_…", site.key),
        ('"gpt2"', '"scripted"'),
    ):
        assert written in example
        example = example.replace(written, own)
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_do_what_they_say(called_site: WholeSite, tmp_path: Path) -> None:
    stream, batch = EXAMPLES
    assert run(called_site, stream, tmp_path) == expected_reply("What is a queue?")
    lines = run(called_site, batch, tmp_path).splitlines()
    answers = [json.loads(line) for line in lines if line.startswith("{")]
    texts = [
        answer["response"]["body"]["choices"][0]["message"]["content"]
        for answer in answers
    ]
    assert texts == [expected_reply(f"What is {one}?") for one in ("bees", "wax")]
