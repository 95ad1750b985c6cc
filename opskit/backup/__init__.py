"""Backups of both engines that are known to restore, because opskit has seen them come back."""
