"""A page of a library in Pyramid and Jinja2, its fragments cached: see ``app.py``."""
