from __future__ import annotations

from hypothesis import settings

# No deadline: speed is not what is tested here.  No database: a run leaves no files.
settings.register_profile("dogpile", deadline=None, database=None, print_blob=True)
settings.load_profile("dogpile")
