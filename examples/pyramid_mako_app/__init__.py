"""A page of a library in Pyramid and Mako, its fragments cached: see ``app.py``."""
