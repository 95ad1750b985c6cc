"""The status page at /."""
