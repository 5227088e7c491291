"""Benchmarks: this project beside its peers, in one run.

``python -m benchmarks`` prints one table. Every contender of a row runs in
the same process and in turn with the others, so that a ratio within a row
means something on any machine, and a bare time means little on another one.

A new row is a ``harness.Row`` in the ``rows()`` of its module: contenders by
name, each prepared by a function that returns ``stage.statement(source, ...)``
(``await`` in the source makes it run in the stage's event loop), the name of
the floor, and the targets to reach.
"""
