"""The tests, laid out as `registry/` is; `e2e/` runs in a real browser."""
