from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def scene() -> np.ndarray:
    """Smooth colours, different in each corner, (24, 36, 3)."""
    y, x = np.mgrid[0:24, 0:36]
    channels = [x * 255 / 35, y * 255 / 23, 200 - x * 2 - y * 3]
    return np.stack(channels, axis=-1).astype(np.uint8)


@pytest.fixture
def fine() -> np.ndarray:
    """As many 16-bit tones as pixels, (24, 36)."""
    return (np.arange(24 * 36).reshape(24, 36) * 3 + 20000).astype(np.uint16)


@pytest.fixture(scope="session")
def encoded() -> Callable[..., bytes]:
    """Writes a Pillow image in a format, with its options, as bytes."""

    def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
        stream = BytesIO()
        image.save(stream, format, **options)
        return stream.getvalue()

    return encoded
