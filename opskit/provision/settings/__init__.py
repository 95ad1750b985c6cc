"""The server's settings: how large, why, and what overrides them."""
