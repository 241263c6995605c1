"""Contributions as drivers, and as the shap package's own `Explanation`."""
