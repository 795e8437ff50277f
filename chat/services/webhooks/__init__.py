"""Webhooks: tells addresses that accounts name when a reply has ended."""
