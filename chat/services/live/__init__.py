"""Calls that wait for replies: one thread of a process asks for all of them."""
