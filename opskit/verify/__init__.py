"""Comparing what both engines hold, whenever the operator wants to know."""
