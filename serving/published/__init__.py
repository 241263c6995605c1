"""Published scoring runs, and the latest of them as what pages and API read."""
