"""Tests of registry/service: opinions, service records, receipts, certificates."""
