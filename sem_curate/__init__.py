"""Data curation for SEM particle images, built on FiftyOne.

Importing this package is cheap. The verbs for notebooks and scripts stand in :mod:`sem_curate.api`::

    from sem_curate import api as sem
"""

import os

# By default OpenMP's threads spin while they wait for each other at every layer of a network. Where another process or
# our own decoding wants the core, that wastes most of the time: on two busy cores the bundled encoder took 12 ms of
# processor time per image instead of 1.5. Read once, when torch is loaded; a user's own choice stands.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
