"""The tree of units, organizations and people."""
