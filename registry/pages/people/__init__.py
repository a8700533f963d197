"""Pages of people and their assignments."""
