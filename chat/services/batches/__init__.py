"""Batches: files of calls, from their upload to their results."""
