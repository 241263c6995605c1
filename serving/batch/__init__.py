"""Batch jobs: scoring a company, scoring a table, the demo."""
