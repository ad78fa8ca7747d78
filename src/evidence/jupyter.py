"""The libraries of notebooks, loaded without a grammar that nothing here reads.

nbformat and jupyter_client load jsonschema, and that prepares a grammar of international web
addresses where `rfc3987_syntax` is installed: more than a second each time that Python starts.
Whoever imports this module first does without; jsonschema allows for its absence.
"""

import sys

GRAMMAR = "rfc3987_syntax"

_spared = sys.modules.setdefault(GRAMMAR) is None
try:
    import nbformat  # noqa: F401  (which loads jsonschema)
finally:
    if _spared:
        del sys.modules[GRAMMAR]
