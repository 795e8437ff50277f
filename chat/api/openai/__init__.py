"""The API that clients of OpenAI speak, under ``/v1/``."""
