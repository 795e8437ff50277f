"""Passwords that the site accepts."""

from __future__ import annotations

PASSWORD = "a long enough one"
OTHER = "another long one"
