"""From labelled rows to a model: splits, scorecard, trees, settings search and offset."""
