"""Conversations as files: one as JSON or Markdown, all of them as an archive."""
