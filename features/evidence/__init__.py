"""The statistics that the usability report and the leak audit share."""
