"""Starts everything on one machine: what stands behind ``make run``."""
