"""Says which picture a TensorFlow makes of a photograph: its version, and a checksum of the pixels.

python check_saved_model.py exported/saved_model/colorizer/1 old.jpg
"""

import sys
import zlib
from pathlib import Path

import tensorflow as tf

folder, photograph = sys.argv[1:]
colorize = tf.saved_model.load(folder).signatures["colorize_bytes"]
answer = colorize(image_bytes=tf.constant([Path(photograph).read_bytes()]))
pixels = tf.io.decode_png(answer["colorized_bytes"].numpy()[0]).numpy()
print(tf.__version__, zlib.crc32(pixels.tobytes()))
