"""The release before this one, with its own code, beside this one.

``earlier.tar.xz`` holds what that release runs from. It was made by::

    git archive 2abda37 chat chatsite worker launch templates static manage.py \
        catalog.toml | xz -9e > tests/upgrade/earlier.tar.xz

These tests reach both releases by URLs, forms, the API and Redis keys alone, so that a
module or a function may change its name.
"""
