"""One page from two template engines, its slow fragment cached: see ``__main__.py``."""
