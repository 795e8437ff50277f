"""Notices: tells people who have no page open that a reply is ready."""
