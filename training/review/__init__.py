"""The six-monthly review: champion against challenger, on evidence, with a verdict.

`review.review` gathers what every other module of this folder measures; nothing here changes a
model, a score or the registry.
"""
