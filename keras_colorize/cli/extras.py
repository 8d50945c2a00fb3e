"""The optional dependencies, read from the metadata of the installed package."""

import re
from importlib.metadata import requires

_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+).*\bextra\s*==\s*['\"](?P<extra>[\w.-]+)['\"]")


def declared_extras() -> dict[str, list[str]]:
    """Read which distributions each extra of keras-colorize installs.

    Returns:
        For each extra, the names of its distributions, in lower case with dashes.
    """
    extras: dict[str, list[str]] = {}
    for requirement in requires("keras-colorize") or ():
        match = _REQUIREMENT.match(requirement)
        if match and match["name"] != "keras-colorize":  # an extra may contain others
            extras.setdefault(match["extra"], []).append(_canonical(match["name"]))
    return extras


def import_problem(error: ImportError, preferred: str | None = None) -> str | None:
    """Explain which library is missing or broken, and how to repair the installation.

    Args:
        error: the exception that the import raised.
        preferred: the extra to suggest if several extras install the missing library.

    Returns:
        One or two sentences, or `None` if the error is in this package itself.
    """
    name = error.name or ""
    if name.partition(".")[0] == "keras_colorize":
        return None
    if not isinstance(error, ModuleNotFoundError):
        cause: BaseException = error
        while cause.__cause__ is not None:  # a library's own advice may be a page long
            cause = cause.__cause__
        reason = " ".join(str(cause).split()).rstrip(".")
        return f"A library cannot be loaded: {reason}. Reinstall it, or install what it needs."
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
        module: name of a module that could not be imported, such as `tensorflow_io`. Every module
            that the package imports has the name of its distribution, apart from an "-api" or "io"
            at the end.
        preferred: the extra to suggest if several extras install the module.

    Returns:
        The name of the extra, or `None` if no extra installs the module.
    """
    distribution = _canonical(module.partition(".")[0])
    known = {distribution, f"{distribution}-api", f"{distribution}io"}
    extras = [name for name, contents in declared_extras().items() if known & {*contents}]
    return preferred if preferred in extras else next(iter(extras), None)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
