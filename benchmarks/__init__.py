"""Timings beside named alternatives, and the coverage study of the documentation."""
