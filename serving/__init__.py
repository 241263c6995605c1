"""From an artifact to people: assessments, batch files, the HTTP service and its pages."""
