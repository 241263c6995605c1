"""Columns that a model makes of others: paces, and those that a segment has of its own."""
