"""What moved a score between two dates, in points that add up to it."""
