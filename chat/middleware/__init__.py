"""Middleware: headers, proxies, authentication, log-in, language, time zone."""
