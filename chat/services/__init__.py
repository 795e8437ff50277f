"""What people and the keeper can do; each function spans database and mailbox."""
