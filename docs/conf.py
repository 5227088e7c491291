"""The configuration of the documentation."""

from importlib.metadata import version as version_of

project = "dogpile-templates"
author = "the dogpile-templates authors"
copyright = "2026, the dogpile-templates authors"
release = version = version_of("dogpile-templates")

extensions = ["sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"dogpile-templates {version}"
exclude_patterns = ["_build"]
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
suppress_warnings = ["ref.python"]  # two errors, one per package, share a name
