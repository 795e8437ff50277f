"""Updates all catalogues from the code, and compiles them: ``make messages``.

``make messages ARGS=it`` begins a catalogue for a further language.
"""

from __future__ import annotations

import sys

from babel.messages.catalog import Catalog

from tests.translations import catalogs


def main(new_languages: list[str]) -> int:
    """Write all catalogues; say what is still to be translated."""
    for language in new_languages:
        path = catalogs.catalog_path(language)
        if not path.exists():
            path.parent.mkdir(parents=True)
            path.write_bytes(catalogs.as_po(_empty(language)))
    for language in catalogs.languages():
        catalog = catalogs.updated(language)
        path = catalogs.catalog_path(language)
        path.write_bytes(catalogs.as_po(catalog))
        path.with_suffix(".mo").write_bytes(catalogs.as_mo(catalogs.read(language)))
        missing = sum(not all(forms_of(message)) for message in catalog if message.id)
        print(f"{path}: {len(catalog)} texts, {missing} to translate")
    return 0


def forms_of(message) -> tuple[str, ...]:
    """The translations of a text: one for each plural form."""
    return message.string if message.pluralizable else (message.string,)


def _empty(language: str) -> Catalog:
    return Catalog(
        language,
        header_comment=f"# What chatsite says, in another language: {language}.",
        project="chatsite",
        version="1",
        msgid_bugs_address="chatsite",
        last_translator="chatsite",
        language_team="chatsite",
        charset="utf-8",
        fuzzy=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
