"""Kernel density estimation in large dimension."""
