"""Benches of the registry and of other ways to do the same: `make bench` (benchmarks/README.md)."""
