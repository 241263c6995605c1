"""Tables that nobody declared: reading them, their label and their columns."""
