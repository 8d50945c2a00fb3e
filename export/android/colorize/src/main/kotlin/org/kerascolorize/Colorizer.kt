package org.kerascolorize

import android.content.Context
import android.graphics.Bitmap
import com.google.ai.edge.litert.Accelerator
import java.util.concurrent.Executors
import kotlin.math.max
import kotlin.math.min
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.withContext

private const val STRIP_PIXELS = 131072

/**
 * Colours photographs at full size; the lightness stays as it was.
 *
 * Nothing here blocks the main thread. The network has a thread of its own, because a GPU may not
 * be used from several; the rest runs on all cores.
 *
 * ```
 * Colorizer.load(context).use { colorizer ->
 *     imageView.setImageBitmap(colorizer.colorize(bitmap))
 * }
 * ```
 */
class Colorizer private constructor(
    private val network: LiteRtNetwork,
    private val networkThread: ExecutorCoroutineDispatcher,
) : AutoCloseable {
    /** Whether the network runs on the GPU: it may turn out at the first picture that it cannot. */
    val onGpu get() = network.accelerator == Accelerator.GPU

    /**
     * Colours a picture.
     *
     * @param picture of any size, configuration and colour space; its own colours do not count.
     * @param saturation factor on ab; 0 leaves the picture grey.
     * @param side short side of what the network sees: 256 or 512. The larger one sees more detail,
     *     and is four times the work for the network.
     * @return a new bitmap, ARGB_8888 in sRGB, of the size of [picture] and with its transparency.
     */
    suspend fun colorize(picture: Bitmap, saturation: Float = 1f, side: Int = 256): Bitmap {
        val readable = withContext(Dispatchers.Default) { readable(picture) }
        val lightness = lightnessOf(readable)
        val ab = withContext(networkThread) {
            predictAb(lightness, network, shortSide(network.sizes, side))
        }
        val painter = withContext(Dispatchers.Default) {
            Painter(lightness, ab.map { channel -> channel.map { it * saturation } })
        }
        val colored = Bitmap.createBitmap(readable.width, readable.height, Bitmap.Config.ARGB_8888)
        forStrips(lightness.size) { start, stop ->
            val argb = readable.pixels(start, stop)
            painter.paint(start, stop, argb)
            synchronized(colored) {
                colored.setPixels(argb, 0, colored.width, 0, start, colored.width, stop - start)
            }
        }
        return colored
    }

    /** Frees the network; call it when no [colorize] is running. */
    override fun close() {
        networkThread.executor.execute { network.close() }
        networkThread.close()
    }

    companion object {
        /** What `keras-colorize export` gives signatures to. */
        val SIZES = listOf(Size(256, 256), Size(256, 384), Size(384, 256), Size(512, 512))

        /**
         * Loads a network from the app's assets.
         *
         * @param asset a file that `keras-colorize export --to tflite` wrote, with float input and
         *     output.
         * @param gpu whether to try the GPU.
         * @param sizes of its signatures.
         * @throws com.google.ai.edge.litert.LiteRtException it is missing or damaged.
         */
        suspend fun load(
            context: Context,
            asset: String = "mobile.float16.tflite",
            gpu: Boolean = true,
            sizes: List<Size> = SIZES,
        ): Colorizer {
            val thread = Executors.newSingleThreadExecutor().asCoroutineDispatcher()
            try {
                val network = withContext(thread) {
                    LiteRtNetwork(context.assets, asset, sizes, gpu)
                }
                return Colorizer(network, thread)
            } catch (error: Throwable) {
                thread.close()
                throw error
            }
        }
    }
}

/** Pixels of a bitmap in the memory of the GPU cannot be read. */
private fun readable(picture: Bitmap): Bitmap =
    if (picture.config == Bitmap.Config.HARDWARE) {
        checkNotNull(picture.copy(Bitmap.Config.ARGB_8888, false)) { "Too little memory." }
    } else {
        picture
    }

private suspend fun lightnessOf(picture: Bitmap): Plane {
    val lightness = Plane(Size(picture.height, picture.width))
    forStrips(lightness.size) { start, stop ->
        val argb = picture.pixels(start, stop)
        for (i in argb.indices) lightness.values[start * picture.width + i] = lightnessOf(argb[i])
    }
    return lightness
}

/** The rows from [start] to before [stop], in sRGB. */
private fun Bitmap.pixels(start: Int, stop: Int) =
    IntArray((stop - start) * width).also { getPixels(it, 0, width, 0, start, width, stop - start) }

/** Calls [work] with the first row and the end of strips of a picture, on all cores. */
private suspend fun forStrips(picture: Size, work: (Int, Int) -> Unit) = coroutineScope {
    val rows = max(1, STRIP_PIXELS / picture.width)
    (0 until picture.height step rows).map { start ->
        async(Dispatchers.Default) { work(start, min(start + rows, picture.height)) }
    }.awaitAll()
}
