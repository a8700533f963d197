"""Excel and CSV in and out. Knows no noun."""
