"""Turns the text of messages into HTML that is safe to show."""
