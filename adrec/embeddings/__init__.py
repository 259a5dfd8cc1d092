"""People's own embeddings: find the table in a file, match it with items and interactions, and judge it."""
