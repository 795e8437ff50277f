"""What users and the keeper can do, across the database and the mailbox."""
