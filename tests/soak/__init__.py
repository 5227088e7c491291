"""Pages served under random faults for minutes: ``make soak``."""
