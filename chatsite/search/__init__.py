"""Full-text search: which words a text has, the same for every database."""
