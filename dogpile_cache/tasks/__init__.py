"""What stands behind :mod:`dogpile_cache.aio`: the parts of a region for tasks."""
