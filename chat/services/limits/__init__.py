"""Usage limits of accounts, guests and networks, and what remains of them."""
