"""Common ground of the web and the worker tier; imports neither of them."""
