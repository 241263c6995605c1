"""Kept beside a model and decides no score: its evaluation and its training record."""
