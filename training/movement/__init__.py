"""The *movement* of a score between two dates, in points that add up to it.

`change` says what a movement is, `accounting` works it out. In the room above, `batch.movements`
does so for a run and the one before it, `published.movement_rows` keeps it with the run, and
`pages.movement_card` puts it into words.
"""
