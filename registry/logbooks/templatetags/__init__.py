"""What the templates of logbooks need."""
