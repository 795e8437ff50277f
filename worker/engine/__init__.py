"""The inference engine: continuous batching of requests to one causal language model.

It knows neither Celery nor Redis nor where a model comes from. ``interface`` says what
an engine offers, ``factory`` opens one, and ``engine`` is the one that runs a model.
"""
