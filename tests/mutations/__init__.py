"""Faults on purpose, one line each, and the tests that must find them.

``python -m tests.mutations`` makes each in a copy of the checkout and runs the named
tests. ``catalogue.py`` lists them; whoever changes such a line changes it there, too.
"""
