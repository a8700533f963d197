"""Logbooks (工作台账): what happens at the posts. One engine; the kinds are data."""
