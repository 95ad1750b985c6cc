"""What a scrape takes, beside postgres_exporter."""
