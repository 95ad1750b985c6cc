"""Provision: makes a host, and the PostgreSQL on it, what the configuration says."""
