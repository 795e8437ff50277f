"""The views of the pages, grouped by object."""
