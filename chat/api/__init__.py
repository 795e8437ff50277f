"""The HTTP API: the page's services, owners and errors, as JSON."""
