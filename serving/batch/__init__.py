"""What runs as a batch: scoring a company, scoring a table, the demo."""
