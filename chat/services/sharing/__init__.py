"""Shared links: frozen copies of conversations, open to everyone who has the link."""
