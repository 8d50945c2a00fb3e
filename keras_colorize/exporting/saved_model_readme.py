"""What lies beside a SavedModel for people: its signatures, their units, and how to serve it."""

from string import Template

_TEXT = Template(
    """\
$name: a network that colours photographs, as a TensorFlow SavedModel
Made by: $command

SIGNATURES (B pictures; all tensors are dense)

colorize_bytes   image_bytes (B) string -> colorized_bytes (B) string
    JPEG or PNG files, of any sizes, mixed -> PNG files, each at the size of its input. Grey or
    coloured; the lightness is kept. 8 bits a channel (of 16 the upper 8 are used) and sRGB: a
    colour profile is not applied. Upright: the orientation in an EXIF block is not applied.
    Transparency is kept, EXIF is not. One damaged file fails its whole request.
colorize_rgb     rgb (B, H, W, 3) uint8 -> colorized_rgb (B, H, W, 3) uint8
    The same for pixels: sRGB, 0 to 255.
serving_default  lightness (B, H, W, 1) float32 -> ab (B, H, W, 2) float32
    CIE 1976 L*a*b* (D65): L in 0 to 100, a and b in Lab units. The network sees the picture at the
    size it is given in, which should be about 256 pixels on the short side; the other two
    signatures resize it themselves.
network          lightness (B, H, W, 1) float32 -> ab (B, H/c, W/c, 2) float32
    The bare network: H and W are multiples of 16 c, c is 1, 2 or 4 and follows from the output.

The graph holds TensorFlow's own operations only; TensorFlow 2 is all that it needs.

IN PYTHON

import tensorflow as tf
colorize = tf.saved_model.load("THIS-FOLDER").signatures["colorize_bytes"]
png = colorize(image_bytes=tf.constant([open("old.jpg", "rb").read()]))["colorized_bytes"]
open("new.png", "wb").write(png.numpy()[0])

IN TENSORFLOW SERVING

It looks for numbered versions: copy this folder to MODELS/$name/1, then
    docker run -p 127.0.0.1:8501:8501 -v MODELS:/models -e MODEL_NAME=$name tensorflow/serving
or  tensorflow_model_server --rest_api_port=8501 --model_name=$name --model_base_path=MODELS/$name
with the absolute path for MODELS. It answers POST http://127.0.0.1:8501/v1/models/$name:predict
    {"signature_name": "colorize_bytes", "instances": [{"image_bytes": {"b64": "..."}}]}
with {"predictions": [{"b64": "..."}]}: files go in and come out in base64.
The requests in assets.extra/tf_serving_warmup_requests are answered before any other.

IN KERAS-COLORIZE

keras-colorize colorize PHOTOGRAPHS --model THIS-FOLDER
keras-colorize evaluate PHOTOGRAPHS --weights THIS-FOLDER
"""
)


def saved_model_readme(name: str, command: str) -> str:
    """Returns README.txt of a SavedModel that this command made and that is served so named."""
    return _TEXT.substitute(name=name, command=command)
