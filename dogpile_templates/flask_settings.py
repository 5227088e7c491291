"""What an application of Flask says of its cache in its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dogpile_cache.exception import ValidationError

REGIONS = "DOGPILE_REGIONS"
_SETTINGS = (
    REGIONS, "DOGPILE_DEFAULT_REGION", "DOGPILE_ENABLED", "DOGPILE_KEY_PREFIX",
)  # fmt: skip


def check_names(config: Mapping[str, Any]) -> None:
    """Raise a ValidationError for a setting of ours that there is not."""
    for name in config:
        if name.startswith("DOGPILE_") and name not in _SETTINGS:
            raise ValidationError(
                f"There is no setting {name!r}; there are {', '.join(_SETTINGS)}."
            )


def read_options(given: Any) -> dict[str, dict[str, Any]]:
    """Return the options of the regions, their names in lower case."""
    if not isinstance(given, Mapping):
        raise ValidationError(
            f"app.config[{REGIONS!r}] is {given!r}; it is a dict of names to the options "
            'of regions, such as {"short": {"backend": "dogpile.cache.memory"}}.'
        )
    options = {}
    for name, region in given.items():
        if not isinstance(region, Mapping):
            raise ValidationError(
                f"{REGIONS}[{name!r}] is {region!r}; it is a dict of options, such as "
                '{"backend": "dogpile.cache.memory", "expiration_time": 60}.'
            )
        options[name] = _lower(region)
        if isinstance(arguments := options[name].get("arguments"), Mapping):
            options[name]["arguments"] = _lower(arguments)
    return options


def _lower(options: Mapping[Any, Any]) -> dict[str, Any]:
    """Return options whose names in upper case are in lower case."""
    given = ((str(name), value) for name, value in options.items())
    return {n.lower() if n.isupper() else n: value for n, value in given}
