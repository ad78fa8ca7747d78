"""Concentrations: those a dose reaches beside those at which effects were seen."""

from evidence.chapters.exposure import figure, reach
