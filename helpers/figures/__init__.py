"""Figures of the records for paper: plots draws them with matplotlib, geometry puts vectors on a plane."""
