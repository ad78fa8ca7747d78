"""Figures: what a page shows, which kinds there are, how they look and how they become files."""

from evidence.figures import kinds
