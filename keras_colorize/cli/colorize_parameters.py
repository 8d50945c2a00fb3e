"""Values of the options of `keras-colorize colorize` that click does not know."""

from typing import Any, Literal

import click

from keras_colorize.imaging.hint_texts import parse_hint
from keras_colorize.imaging.hints import Hint, HintError


class HintType(click.ParamType):
    """A colour at a place."""

    name = "X,Y=COLOR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Hint:
        """Reads what was given."""
        try:
            return parse_hint(value)
        except HintError as error:
            self.fail(str(error), param, ctx)


class PageType(click.ParamType):
    """The number of a page, or all."""

    name = "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["all"]:
        """Reads what was given."""
        if value == "all":
            return "all"
        return int(click.IntRange(1).convert(value, param, ctx))
