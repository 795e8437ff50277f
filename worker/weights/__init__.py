"""Fetching a model, converting it, and verifying its files. Imports no engine."""
