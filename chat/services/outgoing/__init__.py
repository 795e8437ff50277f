"""Calls of addresses that people gave: checked, bounded, and sent by threads."""
