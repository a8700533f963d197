"""Search: the index over names and codes, and queries on it."""
