"""The only code that counts: basis, roll-up, series over time, reconciliation."""
