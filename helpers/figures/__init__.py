"""Figures of the records for paper: plots and inside draw them with matplotlib, geometry puts vectors on a plane."""
