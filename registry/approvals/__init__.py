"""What changes approved facts: submitted with old and new, approved or returned by another person."""
