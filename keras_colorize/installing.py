"""How the extras of this package are installed."""

# Where the package can be had. It is in no index of packages yet, where a stranger could register
# its name, so nobody is told to install it from one.
HOME = "a clone of keras-colorize"


def install_command(extra: str) -> str:
    """Returns the command that installs an extra, and where to run it."""
    return f'pip install ".[{extra}]" in {HOME}'
