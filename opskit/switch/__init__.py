"""Cutover and rollback: the application changes sides, and at any moment at most one side takes writes."""
