"""MLflow: runs, registered versions, aliases, and the promotion that moves them."""
