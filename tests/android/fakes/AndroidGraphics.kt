// Bitmaps that are arrays of pixels.
package android.graphics

class Bitmap(val width: Int, val height: Int, val config: Config?, val argb: IntArray) {
    fun copy(config: Config, isMutable: Boolean) = Bitmap(width, height, config, argb.copyOf())
        .also { check(!isMutable) }

    fun getPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int,
    ) {
        check(config != Config.HARDWARE) { "a bitmap in the GPU's memory cannot be read" }
        check(offset == 0 && x == 0 && stride == width && width == this.width)
        argb.copyInto(pixels, 0, y * width, (y + height) * width)
    }

    fun setPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int,
    ) {
        check(offset == 0 && x == 0 && stride == width && width == this.width)
        pixels.copyInto(argb, y * width, 0, height * width)
    }

    enum class Config { ALPHA_8, RGB_565, ARGB_8888, RGBA_F16, HARDWARE, RGBA_1010102 }

    companion object {
        fun createBitmap(width: Int, height: Int, config: Config) =
            Bitmap(width, height, config, IntArray(width * height))
    }
}
