// Signatures for type checking only: nothing here is ever run.

package android.graphics

import android.content.ContentResolver
import android.net.Uri

abstract class Bitmap {
    abstract val width: Int
    abstract val height: Int
    abstract val config: Config?
    abstract fun copy(config: Config, isMutable: Boolean): Bitmap?
    abstract fun getPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int,
    )
    abstract fun setPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int,
    )

    enum class Config { ALPHA_8, RGB_565, ARGB_8888, RGBA_F16, HARDWARE, RGBA_1010102 }

    companion object {
        fun createBitmap(width: Int, height: Int, config: Config): Bitmap = TODO()
    }
}

abstract class ImageDecoder {
    abstract var allocator: Int

    abstract class Source
    abstract class ImageInfo

    fun interface OnHeaderDecodedListener {
        fun onHeaderDecoded(decoder: ImageDecoder, info: ImageInfo, source: Source)
    }

    companion object {
        const val ALLOCATOR_SOFTWARE = 1
        fun createSource(resolver: ContentResolver, uri: Uri): Source = TODO()
        fun decodeBitmap(source: Source, listener: OnHeaderDecodedListener): Bitmap = TODO()
    }
}
