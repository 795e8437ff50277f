"""The page for operators: the state of the site, and orders to it."""
