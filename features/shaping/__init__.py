"""A source as its declaration wants it: its columns and rows, its amounts in one currency."""
