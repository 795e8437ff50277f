"""What operators see of the site, and what they order."""
