"""ICC profiles: any picture to sRGB."""

from io import BytesIO

import numpy as np
from PIL import Image

_RAMP = np.array([0, 36, 73, 109, 146, 182, 219, 255], np.uint8)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts from an embedded profile to sRGB by LittleCMS, perceptual intent.

    A profile that is broken, or of another kind than the picture's mode, is ignored, and so is one
    that changes no colour by more than 2 of 255: it is sRGB by another name.

    Args:
        image: mode "L", "RGB" or "CMYK".
        profile: the ICC profile's bytes, or None.

    Returns:
        Mode "L" or "RGB", or the picture itself where no profile was applied.
    """
    if not profile:
        return image
    from PIL import ImageCms  # only here: most photographs come without a profile

    try:
        transform = ImageCms.buildTransform(
            BytesIO(profile), ImageCms.createProfile("sRGB"), image.mode, "RGB"
        )
        if image.mode == "RGB":
            colors = np.stack(np.meshgrid(_RAMP, _RAMP, _RAMP), -1).reshape(1, -1, 3)
            probe = Image.fromarray(colors)
            converted = np.asarray(ImageCms.applyTransform(probe, transform), np.int16)
            if np.abs(converted - colors).max() <= 2:
                return image
        result = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if result is None:
        return image
    return result.convert("L") if image.mode == "L" else result
