"""pgBackRest on this host: its configuration, its repository, and that the cluster is known there."""
