"""The HTTP API: the services, owners and errors of the pages, as JSON."""
