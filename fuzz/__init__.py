"""Checks of all that is read from outside, for any input there may be.

Each module has strategies of Hypothesis for its inputs, and a ``check`` that is given one
and raises if that gives anything but a value, a miss or one of our own errors.
``tests/property/test_from_outside.py`` runs them as tests; ``python -m fuzz`` runs them
guided by coverage, for as long as it is told.
"""
