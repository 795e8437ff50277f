"""The catalogues of translations: what the code says, and ``locale/*/LC_MESSAGES``.

Babel reads and writes them, so GNU gettext need not be installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "locale"
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}
#: Comments for translators begin so.
COMMENT = "Translators:"


def catalog_path(language: str) -> Path:
    """The catalogue of a language, which people edit."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def languages() -> list[str]:
    """Codes of all languages that have a catalogue."""
    return sorted(path.parts[-3] for path in LOCALE.glob("*/LC_MESSAGES/django.po"))


def _from_template(
    source: BinaryIO, keywords, comment_tags, options
) -> Iterator[tuple]:
    """Read a template as Babel asks: Django makes Python of it, which Babel reads."""
    text = templatize(source.read().decode())
    # Within brackets the indentation, which is the template's, means nothing.
    code = BytesIO(f"({text})".encode())
    yield from extract_python(code, keywords, comment_tags, options)


#: Folders whose texts people see, which files of them, and how Babel reads these.
SOURCES: dict[str, tuple[str, Any]] = {
    "chat": ("*.py", "python"),
    "chatsite": ("*.py", "python"),
    "templates": ("*.*", _from_template),
}


@cache
def template() -> Catalog:
    """All texts that code and templates ask to translate, in the order of files."""
    found = Catalog(charset="utf-8")
    for folder, (pattern, method) in SOURCES.items():
        for path in sorted((ROOT / folder).rglob(pattern)):
            for text, comments, context in _texts_in(path, method):
                name = str(path.relative_to(ROOT))
                found.add(text, None, [(name, 0)], (), comments, context=context)
    return found


def _texts_in(path: Path, method: Any) -> Iterator[tuple]:
    with path.open("rb") as source:
        found = extract(method, source, KEYWORDS, [COMMENT], {"encoding": "utf-8"})
        for _line, text, comments, context in found:
            yield text, comments, context


def read(language: str) -> Catalog:
    """The catalogue of a language as its file has it."""
    with catalog_path(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """The same with the texts of today: new ones are empty, and old ones are gone."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """The text of a catalogue for people."""
    written = BytesIO()
    write_po(written, catalog, width=88, include_lineno=False)
    return written.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """The same for programs."""
    written = BytesIO()
    write_mo(written, catalog)
    return written.getvalue()
