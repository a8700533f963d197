"""The pages of the core nouns, and what composes capabilities."""
