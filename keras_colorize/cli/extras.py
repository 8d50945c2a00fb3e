"""The optional dependencies, read from the metadata of the installed package."""

from importlib.metadata import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from keras_colorize.installing import install_command


def declared_extras() -> dict[str, list[str]]:
    """Read which distributions each extra installs on this Python and system.

    Their names are in lower case with dashes. Those of the extras that an extra contains are left
    out.
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
    return f"This needs {name}, which is not installed. Install it with: {install_command(extra)}"


def missing_extra(module: str, preferred: str | None = None) -> str | None:
    """Find the extra that installs a module, or `None` if there is none.

    Every module that the package imports has the name of its distribution, apart from an "-api" or
    "io" at the end. If several extras install the module, the `preferred` one is taken.
    """
    distribution = canonicalize_name(module.partition(".")[0])
    known = {distribution, f"{distribution}-api", f"{distribution}io"}
    extras = [name for name, contents in declared_extras().items() if known & {*contents}]
    return preferred if preferred in extras else next(iter(extras), None)
