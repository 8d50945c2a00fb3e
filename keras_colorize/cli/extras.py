"""The optional dependencies, as the installed metadata declares them."""

from importlib.metadata import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def declared_extras() -> dict[str, list[str]]:
    """Read which distributions each extra of keras-colorize installs on this Python and system.

    Returns:
        Names of distributions, lower case with dashes, by extra; without those of the extras that
        one contains.
    """
    about = metadata("keras-colorize")
    requirements = [Requirement(line) for line in about.get_all("Requires-Dist") or ()]
    extras: dict[str, list[str]] = {}
    for extra in about.get_all("Provides-Extra") or ():
        for requirement in requirements:
            marker = requirement.marker
            if marker and not marker.evaluate({"extra": ""}) and marker.evaluate({"extra": extra}):
                if requirement.name != "keras-colorize":
                    extras.setdefault(extra, []).append(canonicalize_name(requirement.name))
    return extras


def import_problem(error: ImportError, preferred: str | None = None) -> str | None:
    """Say which library is missing or broken, and what mends it.

    Args:
        error: what importing it raised.
        preferred: the extra to name if several install a missing library.

    Returns:
        One sentence or two, or `None` if the mistake is the program's own.
    """
    name = error.name or ""
    if name.partition(".")[0] == "keras_colorize":
        return None
    if not isinstance(error, ModuleNotFoundError):
        cause: BaseException = error
        while cause.__cause__ is not None:  # a library's own advice may be a page long
            cause = cause.__cause__
        reason = " ".join(str(cause).split()).rstrip(".")
        return f"A library cannot be loaded: {reason}. Install it again, or what it lacks."
    extra = missing_extra(name, preferred)
    if extra is None:
        return None
    return (
        f"This needs {name}, which is not installed. "
        f'Install it with: pip install "keras-colorize[{extra}]"'
    )


def missing_extra(module: str, preferred: str | None = None) -> str | None:
    """Find the extra that installs a module.

    Args:
        module: the name of a module that could not be imported, such as `tensorflow_io`. Every
            module the package imports is named like its distribution, but for an "-api" or "io"
            after it.
        preferred: the extra to name if several install the module.

    Returns:
        The extra's name, or `None` if no extra installs that module.
    """
    distribution = canonicalize_name(module.partition(".")[0])
    known = {distribution, f"{distribution}-api", f"{distribution}io"}
    extras = [name for name, contents in declared_extras().items() if known & {*contents}]
    return preferred if preferred in extras else next(iter(extras), None)
