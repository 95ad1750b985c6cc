"""Backups of the whole cluster by pgBackRest: any moment of a window can be brought back."""
