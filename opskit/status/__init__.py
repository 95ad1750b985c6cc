"""The state of everything on one page: what is, what contradicts it, and what is done of the migration."""
