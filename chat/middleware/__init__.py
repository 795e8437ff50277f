"""Middleware: headers, proxies, authentication, log-in, time zone."""
