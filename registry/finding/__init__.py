"""Finding units, organizations and people by what users know of them, the best first, in scope only."""
