"""Takes a backup of a running site, and restores one into an empty data folder."""
