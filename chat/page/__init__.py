"""The state of one open page, its updates, and the contexts of its templates."""
