"""Evidence reviews as notebooks: verified tables in; synthesis, figures and prose out."""

__version__ = "0.2.0"
