"""Formats of dates, where Django's own for a language are not what people use."""
