"""Usage limits of accounts, guests and networks, and what is left of them."""
