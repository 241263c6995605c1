"""The reader of databases: where they are, what their columns hold, how their rows are fetched."""
