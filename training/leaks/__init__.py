"""Leak checks that train models: the null world and the deep check."""
