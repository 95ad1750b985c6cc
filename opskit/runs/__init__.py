"""Runs: a plan that is printed and executed, a journal that survives any kill, one writer at a time."""
