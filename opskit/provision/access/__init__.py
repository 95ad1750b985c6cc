"""Who may what: roles, databases, rights, passwords and access rules."""
