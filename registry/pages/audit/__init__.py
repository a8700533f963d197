"""The pages of the record of operations."""
