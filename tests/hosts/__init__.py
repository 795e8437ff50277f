"""The site on several hosts, each a network namespace of this machine.

    SOAK=1 .venv/bin/python -m pytest -q -s tests/hosts

It needs Linux and root; the figures of a run are printed.
"""
