"""The tests of the leak audit, one module per way in which tables know the future.

A module registers itself: `features.leaks` finds it by its file. It defines either
`breaches(tables, progress)`, asked once, or `breaches_of_target(tables, grid, progress)`, asked
for each adverse target with the outcomes of its accounts. Modules are asked in alphabetical order.
"""
