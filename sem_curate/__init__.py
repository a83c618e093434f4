"""Data curation for SEM particle images, built on FiftyOne.

Importing this package is cheap. The verbs for notebooks and scripts stand in :mod:`sem_curate.api`::

    from sem_curate import api as sem
"""

__version__ = "0.1.0"
