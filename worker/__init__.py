"""The generation tier: a Celery worker that holds one model. Never imports chat."""
