"""Listeners that hand the events of regions on: to logs and to systems of metrics."""
