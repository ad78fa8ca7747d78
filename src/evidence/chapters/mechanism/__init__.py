"""Proposed mechanisms: a graph of findings, its pathways and its map."""

from evidence.chapters.mechanism import figure, graph, layers, markers
