"""The command ``chatsite``: asks the site from a terminal or a script.

It talks to the API and uses the standard library alone, so it is installed without
Django or torch, and starts at once.
"""
