"""The totals: running counts of each unit by day, kept up to date by every write."""
