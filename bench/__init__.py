"""Measurements. Every figure in docs/bench.md is made by a module of this package."""
