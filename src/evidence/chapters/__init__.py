"""Chapters: optional parts of a review, each with its tables, its computation and its figure.

Claims of a text and their audit, proposed mechanisms, concentrations that are reached, schedules of
doses, and laboratory markers. Importing this package registers their kinds of figure and what their
sentences may name.
"""

from evidence.chapters import claims, dosing, exposure, markers, mechanism
