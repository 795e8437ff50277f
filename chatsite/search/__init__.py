"""Full-text search: the words of a text, the same for every database."""
