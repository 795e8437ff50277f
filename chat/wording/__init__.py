"""Sentences for users, in the language of the page."""
