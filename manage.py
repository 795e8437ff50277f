#!/usr/bin/env python
"""Django's command line."""

import sys

from chatsite import startup

if __name__ == "__main__":
    startup.begin()
    from django.core.management import execute_from_command_line

    with startup.ends_with_reader():
        execute_from_command_line(sys.argv)
