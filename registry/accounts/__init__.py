"""Logging in and one's own account; users, their grants and passwords."""
