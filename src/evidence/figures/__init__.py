"""Figures: what a page shows, which kinds there are, how they look, how they become files.

In: a review and its pools, and a row of figures.csv. Out: a `Figure`: message, table, method line,
alt text and picture from one content. Plots take and return matplotlib Axes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["catalogue", "figure", "images", "marks", "page", "typeface"],
    submod_attrs={
        "figure": ["KINDS", "NAME", "Content", "Figure", "Spec", "figure_kind", "pick"],
        "forest.plot": ["forest"],
        "images": ["export"],
        "kinds.answer": ["people_words"],
        "kinds.bubble": ["bubble", "moderated"],
        "kinds.funnel": ["funnel"],
    },
)
