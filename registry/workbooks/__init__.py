"""Excel in and out: what a sheet of each noun looks like, reading it, and writing it."""
