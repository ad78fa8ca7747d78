"""Schedules of doses and lengths of trials."""

from evidence.chapters.dosing import figure, schedules
