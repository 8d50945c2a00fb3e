"""ICC profiles: any picture to sRGB."""

from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

_LONG = 2**16  # bytes of a profile that is not worth to be remembered
_RAMP = np.array([0, 36, 73, 109, 146, 182, 219, 255], np.uint8)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts "L", "RGB" or "CMYK" to sRGB, "L" or "RGB", by LittleCMS, perceptual intent.

    A profile that is broken, or of another kind than the picture's mode, is ignored, and so is one
    that changes no colour by more than 2 of 255: it is sRGB by another name. Then the picture
    itself is returned.
    """
    if not profile:
        return image
    from PIL import ImageCms  # only here: most photographs come without a profile

    try:
        if len(profile) > _LONG:
            transform = _transform(profile, image.mode)
        else:
            transform = _known_transform(profile, image.mode)
        result = ImageCms.applyTransform(image, transform) if transform else None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if result is None:
        return image
    return result.convert("L") if image.mode == "L" else result


def _transform(profile: bytes, mode: str) -> Any:
    """LittleCMS's transform to sRGB, or None if it changes next to nothing."""
    from PIL import ImageCms

    transform = ImageCms.buildTransform(
        BytesIO(profile), ImageCms.createProfile("sRGB"), mode, "RGB"
    )
    if mode == "RGB":
        colors = np.stack(np.meshgrid(_RAMP, _RAMP, _RAMP), -1).reshape(1, -1, 3)
        probe = Image.fromarray(colors)
        converted = np.asarray(ImageCms.applyTransform(probe, transform), np.int16)
        if np.abs(converted - colors).max() <= 2:
            return None
    return transform


_known_transform = lru_cache(16)(_transform)  # a training meets the same few again and again
