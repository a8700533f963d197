"""What can be done with logbooks and their entries: the only code that writes them."""
