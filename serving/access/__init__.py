"""Who may ask what: nothing passes that is not on the list of our own addresses."""
