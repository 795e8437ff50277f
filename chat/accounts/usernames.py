"""Names of accounts: what may be one, so that no two look alike."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from chat.models.user import fold

SHORTEST, LONGEST = 2, 40
#: What may stand inside a name beside letters and digits.
JOINTS = "._-"
#: Nobody shall be taken for those who run a site.
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
TOGETHER = (
    frozenset(("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO")),
    frozenset(("CJK", "HANGUL")),
)
#: Letters of other scripts that look like those of Latin words.
LIKE_LATIN = frozenset("асеорхуіѕјһԁԛԝґкмтвнοανικρυχγӏ")
#: What is read as another: 1, l and i as each other.
LIKE_OTHERS = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "3": "e"})


def clean_name(typed: str) -> str:
    """The name as it is kept. Raises ``ValidationError``.

    Beyond a to z only small letters are kept: databases do not agree about the capitals
    of the others, and a name must be one whatever its case.
    """
    name = unicodedata.normalize("NFKC", typed).strip()
    name = name if name.isascii() else fold(name)
    if not SHORTEST <= len(name) <= LONGEST:
        said = _("A name has %(shortest)s to %(longest)s characters.")
        raise ValidationError(said % {"shortest": SHORTEST, "longest": LONGEST})
    if not _is_spelt(name):
        raise ValidationError(
            _("Use letters and digits; a dot, - or _ may stand between them.")
        )
    if _is_mixed(name):
        raise ValidationError(_("Use the letters of one script only."))
    if _skeleton(name) in {*map(_skeleton, RESERVED)}:
        raise ValidationError(_("This name is reserved. Choose another one."))
    return name


def _is_spelt(name: str) -> bool:
    kinds = "".join(
        "j" if letter in JOINTS else unicodedata.category(letter)[0] for letter in name
    )
    # Marks belong to the letter before them; two joints in a row look like one.
    return bool(re.fullmatch(r"(LM{0,2}|N)+(j(LM{0,2}|N)+)*", kinds))


def _is_mixed(name: str) -> bool:
    letters = [letter for letter in name if unicodedata.category(letter)[0] == "L"]
    scripts = {_script(letter) for letter in letters}
    if scripts - {"LATIN"} and all(letter in LIKE_LATIN for letter in letters):
        return True
    return len(scripts) > 1 and not any(scripts <= known for known in TOGETHER)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _skeleton(name: str) -> str:
    """The same for names that could be read as each other."""
    plain = re.sub(f"[{re.escape(JOINTS)}]", "", name).casefold()
    return plain.translate(LIKE_OTHERS).replace("rn", "m")
