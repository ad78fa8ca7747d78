"""The audit of the claims of a text: two verdicts for each, and ways from a claim to its source."""

from evidence.chapters.claims import audit, figure, tables
