"""The engine that sends to an OpenAI-compatible server, instead of computing itself."""
