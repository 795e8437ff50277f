"""The version of what pages and answers agree on.

While a site is updated, pages of the release before are open, and servers of both
releases may take turns. A page names the version with which it was made, and an answer
to htmx the version of its server. Where they differ, the page loads again: the parts of
the answer would not fit into it.
"""

from __future__ import annotations

from typing import Final

#: To be raised when parts of answers no longer fit into pages of the release before:
#: with ids, classes or attributes on which styles, scripts and htmx rely.
PAGE_VERSION: Final = "4"
#: Header of an answer to htmx.
VERSION_HEADER: Final = "Page-Version"
