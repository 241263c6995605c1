"""The review in words, tables and figures, one module per section."""
