"""Mechanism."""
