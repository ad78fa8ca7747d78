"""Evidence reviews as notebooks: verified tables in; synthesis, figures and prose out.

``import evidence as ev``: `load` a review, `pool` a DataFrame; see `Review`, `Pool` and `Figure`.
Importing this costs nothing: what is named is loaded when it is used.
"""

import lazy_loader

__version__ = "0.3.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
