"""Work that takes longer than a page may: who waits for what, in whose turn, and which workers live."""
