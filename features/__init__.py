"""What we know of a customer on a given day: declarations, sources, the clock, snapshots."""
