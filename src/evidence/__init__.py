"""Evidence reviews as notebooks: verified tables in; synthesis, figures and prose out."""

__version__ = "0.1.0"
