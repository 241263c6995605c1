"""Exact TreeSHAP for LightGBM, compiled: explaining costs less than predicting."""
