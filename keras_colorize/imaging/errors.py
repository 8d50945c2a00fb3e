"""What is raised of pictures; each message is one sentence."""


class ImageError(ValueError):
    """A picture cannot be read or written; the message is one sentence that names it."""


class PixelLimitError(ImageError):
    """A picture has more pixels than the caller allows."""


class PagesError(ImageError):
    """A TIFF has several pages, of which the caller names none."""


class CutShortError(ImageError):
    """A JPEG is cut short; what there is could be decoded."""
