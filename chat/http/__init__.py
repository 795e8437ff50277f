"""What views share about HTTP: the request, look-ups, cookies, API errors."""
