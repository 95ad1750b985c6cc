"""The cluster on this host: its packages, its making and start, and what its server says about itself."""
