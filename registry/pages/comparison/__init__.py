"""Comparison over time: two to six units, or several metrics of one unit, as lines and as a table."""
