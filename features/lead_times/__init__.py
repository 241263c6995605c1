"""Lead-time curves: how many days before churn an indicator still separates who will leave.

`measure.measure` is the way in; `lags` holds the grid, `risk_sets` who is compared with whom,
`separation` the numbers, `certificate` what may be claimed, `findings` what is said of it and
`plots` the pictures.
"""
