"""Dates and times in American English: ``Nov 30, 2026, 2:59 AM``.

Django writes them as newspapers do: ``Nov. 30, 2026, 2:59 a.m.``
"""

DATE_FORMAT = "M j, Y"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "M j, Y, g:i A"
