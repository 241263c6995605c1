"""The single tests of the leak audit, one module per way in which tables know the future."""
