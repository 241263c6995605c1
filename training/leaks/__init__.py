"""Checks that train models: the null world, the sides, and the deep check."""
