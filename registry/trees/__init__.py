"""The two MPTT trees: moves, bulk insert, check."""
