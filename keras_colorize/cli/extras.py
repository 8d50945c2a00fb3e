"""The optional dependencies, as the installed metadata declares them."""

import re
from importlib.metadata import requires

_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+).*\bextra\s*==\s*['\"](?P<extra>[\w.-]+)['\"]")


def declared_extras() -> dict[str, list[str]]:
    """Read which distributions each extra of keras-colorize installs.

    Returns:
        Names of distributions, lower case with dashes, by extra.
    """
    extras: dict[str, list[str]] = {}
    for requirement in requires("keras-colorize") or ():
        match = _REQUIREMENT.match(requirement)
        if match and match["name"] != "keras-colorize":  # an extra may contain others
            extras.setdefault(match["extra"], []).append(_canonical(match["name"]))
    return extras


def missing_extra(module: str, preferred: str | None = None) -> str | None:
    """Find the extra that installs a module.

    Args:
        module: the name of a module that could not be imported, such as `tensorflow_io`. Every
            module the package imports is named like its distribution.
        preferred: the extra to name if several install the module.

    Returns:
        The extra's name, or `None` if no extra installs that module.
    """
    distribution = _canonical(module.partition(".")[0])
    extras = [name for name, contents in declared_extras().items() if distribution in contents]
    return preferred if preferred in extras else next(iter(extras), None)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
