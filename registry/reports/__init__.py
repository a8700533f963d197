"""What is handed upward: ready sheets, and reported figures beside the registered counts."""
