"""Titles that a model finds for conversations."""
