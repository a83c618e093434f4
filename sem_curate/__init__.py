"""Data curation for SEM particle images, built on FiftyOne.

Importing this package is cheap: FiftyOne and torch load only when a function that needs them runs.
"""

__version__ = "0.1.0"
