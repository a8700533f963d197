"""The pages of logbooks and their entries: all of them from the declaration, none for one kind alone."""
