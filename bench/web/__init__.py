"""Measures what one web process spends on each kind of request: ``make web``."""
