"""Starts the site and its workers on one machine: ``make run``, ``make worker``."""
