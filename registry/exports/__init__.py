"""Exports that take longer than a page may: asked for, made by a worker, fetched, and gone after a day."""
