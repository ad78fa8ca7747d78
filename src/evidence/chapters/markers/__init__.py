"""Laboratory markers: what was measured, with a control or without, and what could be read."""

from evidence.chapters.markers import analytes, counts, facts, figure
