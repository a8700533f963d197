"""What the registry is measured by, and against whom: `make bench` (benchmarks/README.md)."""
