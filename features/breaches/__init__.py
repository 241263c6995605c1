"""The single checks of the data usability report, one module per kind of breach."""
