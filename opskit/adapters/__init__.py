"""The public Python API: one interface over both engines, written once above two small sessions.

api (what callers see) → manager (named databases) → adapter (one database) → connection → session (an engine)
"""
