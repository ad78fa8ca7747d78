"""Chapters: optional parts of a review, each with its tables, its computation and its figure.

Claims of a text and their audit, proposed mechanisms, concentrations that are reached, schedules of
doses, and laboratory markers. Importing this package registers their kinds of figure and, with the
appraisal, what sentences may name.
"""

from evidence.appraisal import offer_census, offer_ratings
from evidence.chapters import claims, dosing, exposure, markers, mechanism

__all__ = ["claims", "dosing", "exposure", "markers", "mechanism"]
