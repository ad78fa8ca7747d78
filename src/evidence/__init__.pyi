from .door import Figure as Figure
from .door import Pool as Pool
from .door import Review as Review
from .door import load as load
from .door import pool as pool

__version__: str
