"""The web tier and the keeper. Never imports worker, never loads torch."""
