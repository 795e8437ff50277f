"""Formulas as MathML: what is drawn, what stays as written, and what no formula may do."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.rendering.markdown import render
from chat.rendering.mathml import DEPTH_MAX, TEX_CHARACTERS_MAX, draw
from tests.chat.rendering.allowed_html import AllowedHtml
from tests.chat.rendering.visible_words import hidden_words
from tests.environment import IS_SOAK

#: What models write, and what they could write to act on a reader or on the server.
PIECES = r"""
    \frac{1}{2} \frac \sqrt{x} \sqrt[3]{x} \sqrt[ \hat \vec{a} \left( \right) \left. \middle|
    \begin{matrix} \end{matrix} \begin{align*} \end{align*} \begin{array}{c|l} \end{array}
    \begin{cases} \end{cases} \begin{equation} \end{equation} \begin{split} \end{split}
    \\ \\[2pt] & { } [ ] ( ) ^ _ ^{2} _{i} ' x y 1 2.5 , . + - = < > | \| \{ \} \text{if } \text{
    \text{a$b$c} \mathbf{v} \mathbb{R} \mathcal{L} \mathrm \operatorname{argmax} \sum \int_0^1 \lim
    \limits \over \choose \binom{n}{k} \big \not \color{red} \textcolor{blue}{b} \boxed{7} \cancel{z}
    \overset{a}{b} \underbrace{u}_{v} \hspace{9em} \hspace{-9em} \kern-9em \displaystyle \quad \, \!
    \tag{1} \hline \hdashline \label{a} \ref{a} \eqref{a} \phantom{p} \vphantom{p} \mathchoice{a}{b}{c}{d}
    \substack{a\\b} \mbox{m} \raisebox{9em}{r} \genfrac \mathop{o} \pmod{n} \bf \rm % \% \$ ~ # \#
    \def\a{\a\a}\a \newcommand{\a}[1]{\sqrt{#1}} \let\a\b \global \begingroup \char"41 \verb|x| \href{javascript:acted(1)}{h}
    \url{x} \style{color:red}{s} \class{c}{k} \html{<b>} \includegraphics{x} \input{/etc/passwd} \csname x\endcsname
    <script>acted(1)</script> <img\ src=x\ onerror=acted(1)> </math> </annotation> --> &lt; &#60; " ` é 日 \u202e
""".split()  # noqa: SIM905 - a list of them would be a page long
FORMULAS = st.lists(st.sampled_from(PIECES), max_size=14).flatmap(
    lambda pieces: st.sampled_from(["", " "]).map(lambda gap: gap.join(pieces))
)
MARKS = [("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$$\n", "\n$$")]


def text_of(mathml: str) -> str:
    return unescape(re.sub("<[^>]*>", "", mathml))


@pytest.mark.parametrize(
    ("tex", "elements"),
    [
        (r"\frac{a}{b}", "mfrac"),
        (r"x_1^2", "msubsup"),
        (r"\sqrt[3]{x}", "mroot"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "mtable mtr mtd"),
        (r"\begin{cases} 1 & \text{if $x > 0$} \\[4pt] 0 \end{cases}", "mtable mtext"),
        (r"\sum_{i=1}^n i", "munderover"),
        (r"\mathbb{R}, \textbf{b}, \textit{i}, \texttt{c}, \textrm{r}", "strong em"),
        (r"\abs{x} \le \norm{x}", "mo"),
        (r"\begin{eqnarray} a &=& b \\ &=& c \end{eqnarray}", "mtable"),
        (r"\begin{alignat}{2} a &= b & c &= d \end{alignat}", "mtable"),
        (r"\widetilde{AB} \in \mathds{R}", "mover"),
        (r"\begin{split} a &= b \\ &= c \end{split}", "mtable"),
    ],
)
def test_what_people_write_is_drawn(tex: str, elements: str) -> None:
    mathml = draw(tex, is_block=True)
    assert mathml.startswith('<math display="block">')
    assert all(f"<{element}" in mathml for element in elements.split())
    assert " style=" not in mathml


@pytest.mark.parametrize(
    ("tex", "classes"),
    [(r"\boxed{x}", "boxed"), (r"\xcancel{x}", "struck-up struck-down")],
)
def test_lines_around_and_through_a_formula_are_classes(tex: str, classes: str) -> None:
    assert f'<mrow class="{classes}">' in draw(tex, is_block=True)


def test_a_formula_within_a_line_is_drawn_smaller() -> None:
    assert draw("x", is_block=False) == "<math><mi>x</mi></math>"


def test_only_tags_number_an_equation() -> None:
    assert "(1)" not in draw(r"\begin{align}a &= b\\c &= d\end{align}", is_block=True)
    assert "(3.1)" in text_of(draw(r"a = b \tag{3.1}", is_block=True))


@pytest.mark.parametrize(
    "tex",
    [
        *(r"\unknown{x}", r"\frac{a}", "{", "a & b", r"\ce{H2O}", "", "  "),
        # What would hide words, or show them where they are not.
        *(
            r"\phantom{word}",
            "a % word",
            r"\mathchoice{a}{b}{c}{d}",
            r"\raisebox{9em}{w}",
        ),
        *(r"\hspace{999em}x", r"\rule{9em}{9em}", r"\text{a \phantom{b}}"),
        # What defines, or leads somewhere.
        *(
            r"\def\a{\a\a}\a",
            r"\newcommand{\a}{b}\a",
            r"\let\a=b",
            r"\href{http://a}{b}",
        ),
        *(r"\begin{equation}\label{a}x\end{equation}\ref{a}", r"\input{/etc/passwd}"),
        *("x" * (TEX_CHARACTERS_MAX + 1), "x^{" * DEPTH_MAX + "y" + "}" * DEPTH_MAX),
    ],
)
def test_what_is_not_drawn(tex: str) -> None:
    assert draw(tex, is_block=True) == ""


def test_no_space_moves_a_letter_onto_another_one() -> None:
    mathml = draw(r"a\!\!\!\!\!\!\!b\hspace{-9em}c", is_block=False)
    assert re.findall('[a-z]+="[^"]*-[^"]*"', mathml) == []


def test_no_colour_hides_a_word() -> None:
    assert draw(r"\textcolor{white}{word}", is_block=False).count("=") == 0


@pytest.mark.parametrize(
    "price", ["$5", "$5 and $6", "US$5", "$1,000 to $2,000", "$x$"]
)
def test_single_dollars_are_not_drawn(price: str) -> None:
    assert "<math" not in render(f"It costs {price}, or so.")


def test_a_copy_gives_the_formula_back_as_it_was_written() -> None:
    html = render('so $$\\frac{a}{"b"} < 1$$ holds')
    assert AllowedHtml(html).text == 'so $$\\frac{a}{"b"} < 1$$ holds\n'
    assert "<mfrac>" in html


@settings(max_examples=3000 if IS_SOAK else 150, deadline=None)
@given(
    FORMULAS,
    st.sampled_from(MARKS),
    st.sampled_from(["{}", "a {} b", "- {}", "|a|\n|-|\n|{}|"]),
)
def test_every_prefix_of_any_formula_is_safe_and_shows_its_words(
    tex: str, marks: tuple[str, str], around: str
) -> None:
    text = around.replace("{}", tex.join(marks))
    for end in range(0, len(text), 1 if IS_SOAK else 7):
        assert hidden_words(text[:end]) == [], text[:end]
    assert hidden_words(text) == [], text


@pytest.mark.parametrize("tex", PIECES)
def test_an_open_formula_is_shown_as_written_until_it_ends(tex: str) -> None:
    for begin, _ in MARKS:
        assert "<math" not in render(f"{begin}{tex} x")


#: Formulas near the bound on depth, drawn in a thread with a small stack: a stack that
#: is too small ends the process.
NESTED = r"""
import sys, threading
from django.conf import settings
settings.configure()
from chat.rendering.mathml import DEPTH_MAX, _depth, draw
parts = [("{", "}"), ("x^{", "}"), ("^{x^{", "}}"), (r"\sqrt ", ""), (r"\sqrt[a", "]{x}"),
    (r"\frac{1}{", "}"), (r"\left(a", r"\right)"), (r"\hat", ""), (r"\mathbf{", "}"),
    (r"\begin{cases}", r"\end{cases}"), (r"\boxed{", "}"), (r"\overset{a}{", "}"),
    (r"\sqrt\sqrt{", "}"), (r"a\sqrt[a\sqrt[", ""), (r"\begin{matrix}a&", r"\end{matrix}"),
    (r"\abs{", "}"), (r"\norm{", "}"), (r"\xrightarrow{", "}"), (r"{a\over ", "}"), (r"\color{red}a", ""), (r"\substack{", "}")]
def go():
    for one, other in [(a, b) for a in parts for b in parts]:
        for times in range(1, 500):
            tex = (one[0] + other[0]) * times + "x" + (other[1] + one[1]) * times
            if _depth(tex) > DEPTH_MAX or len(tex) > 2000:
                break
        draw(tex, is_block=True)
        times -= 1
        draw((one[0] + other[0]) * times + "x" + (other[1] + one[1]) * times, is_block=True)
threading.stack_size(512 * 1024)
thread = threading.Thread(target=go)
thread.start()
thread.join()
print("alive")
"""


def test_no_formula_takes_the_whole_stack() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NESTED], capture_output=True, text=True, check=False
    )
    assert done.stdout == "alive\n", done.stderr
