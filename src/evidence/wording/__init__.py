"""Sentences from data.

In: templates of the tables and what a review knows. Out: text, Markdown and HTML in which every
number comes from the data; text of a table stays text.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["answers", "html"],
    submod_attrs={
        "answers": ["audiences"],
        "facts": ["VALUE", "Facts", "Makers", "Records", "Row", "offers"],
        "html": ["NUMBER", "Markup", "allowed", "as_text", "links", "place", "readable", "spaced"],
        "prose": [
            "MINUS", "NO_BREAK", "MissingValueError", "decimals", "escaped", "fill", "first_digit",
            "harmless", "in_words", "interval", "joined", "number", "p_value", "p_words", "percent",
            "plural", "signed", "together", "value_at", "with_interval",
        ],
    },
)
