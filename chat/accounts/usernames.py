"""The names that accounts may have: no two may look alike."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from chat.models.user import fold

MIN_CHARACTERS, MAX_CHARACTERS = 2, 40
#: What may stand inside a name besides letters and digits.
JOINTS = "._-"
#: Names that could be taken for the people who run the site.
RESERVED = frozenset(
    (
        *("admin", "administrator", "root", "system", "owner", "operator", "moderator"),
        *(
            "staff",
            "support",
            "help",
            "security",
            "webmaster",
            "postmaster",
            "hostmaster",
        ),
        *("chatsite", "guest", "anonymous", "nobody", "everybody", "everyone"),
        *("null", "none", "undefined", "api", "me", "you"),
    )
)
#: Scripts that are written together.
MIXED_SCRIPTS = (
    frozenset(("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO")),
    frozenset(("CJK", "HANGUL")),
)
#: Letters of other scripts that look like Latin ones.
LATIN_LOOKALIKES = frozenset("асеорхуіѕјһԁԛԝґкмтвнοανικρυχγӏ")
#: Characters that look like another: 1 and i like l, and so on.
CONFUSABLES = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "3": "e"})


def clean_username(typed: str) -> str:
    """Return the name in its stored form. Raises ``ValidationError``.

    Names that are not ASCII are stored in lower case: databases differ in how they
    match the capitals of other letters, and names must match in any case.
    """
    name = unicodedata.normalize("NFKC", typed).strip()
    name = name if name.isascii() else fold(name)
    if not MIN_CHARACTERS <= len(name) <= MAX_CHARACTERS:
        message = _("Names have %(shortest)s to %(longest)s characters.")
        raise ValidationError(
            message % {"shortest": MIN_CHARACTERS, "longest": MAX_CHARACTERS}
        )
    if not _is_well_formed(name):
        raise ValidationError(_("Use letters and digits, with . - or _ between them."))
    if _is_mixed(name):
        raise ValidationError(_("Use letters of one alphabet only."))
    if _skeleton(name) in {*map(_skeleton, RESERVED)}:
        raise ValidationError(_("This name is reserved. Choose another one."))
    return name


def _is_well_formed(name: str) -> bool:
    kinds = "".join(
        "j" if letter in JOINTS else unicodedata.category(letter)[0] for letter in name
    )
    # Marks belong to the letter before them; two joints in a row look like one.
    return bool(re.fullmatch(r"(LM{0,2}|N)+(j(LM{0,2}|N)+)*", kinds))


def _is_mixed(name: str) -> bool:
    letters = [letter for letter in name if unicodedata.category(letter)[0] == "L"]
    scripts = {_script(letter) for letter in letters}
    if scripts - {"LATIN"} and all(letter in LATIN_LOOKALIKES for letter in letters):
        return True
    return len(scripts) > 1 and not any(scripts <= known for known in MIXED_SCRIPTS)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _skeleton(name: str) -> str:
    """A form that is the same for names that look alike."""
    plain = re.sub(f"[{re.escape(JOINTS)}]", "", name).casefold()
    return plain.translate(CONFUSABLES).replace("rn", "m")
