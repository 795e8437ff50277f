"""Conversations from files: read by the keeper, shown, and stored once confirmed."""
