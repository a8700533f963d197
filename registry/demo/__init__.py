"""The facts of five articles, and invented rows that fill them up."""
