"""Readers of the kinds of places in which a company's tables lie."""
