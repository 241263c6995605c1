"""The evidence of a review, one module per section."""
