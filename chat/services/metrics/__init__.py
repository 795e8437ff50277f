"""What the site measures for Prometheus."""
