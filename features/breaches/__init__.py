"""The checks of the data usability report, one module per kind of breach.

A module registers itself: `breaches` yields its findings and `ROUND` says when it is asked
(`features.breaches.rounds`). `features.contract` finds it by its file.
"""
