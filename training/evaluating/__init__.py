"""Evaluation on later dates than those trained on, and the gate that acts on it."""
