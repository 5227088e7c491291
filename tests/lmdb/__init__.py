"""The embedded cache: what it keeps, what it drops, and what it survives."""
