"""Doctor: looks at the databases as the application does, names what is wrong, and the one remedy."""
