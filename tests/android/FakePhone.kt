// Runs the library on fakes of bitmaps and of LiteRT: `FakePhone FOLDER FILE SIDE SATURATION`.

import android.content.ContentResolver
import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.events
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlinx.coroutines.runBlocking
import org.kerascolorize.Colorizer

private object Phone : Context() {
    override val assets = AssetManager()
    override val contentResolver = ContentResolver()
    override fun getString(id: Int, vararg arguments: Any?) = error("no text is asked for")
}

fun main(arguments: Array<String>) {
    val (path, asset, side, saturation) = arguments
    val (height, width) = ints(File(path, "argb.shape")).toList()
    val picture = Bitmap(width, height, Bitmap.Config.HARDWARE, ints(File(path, "argb")))
    // It runs when all threads have ended, the network's too, which close() does not wait for.
    val write = Thread { File(path, "events").writeText(events.joinToString("\n")) }
    Runtime.getRuntime().addShutdownHook(write)
    try {
        runBlocking {
            Colorizer.load(Phone, asset).use { colorizer ->
                repeat(2) {
                    val colored = colorizer.colorize(picture, saturation.toFloat(), side.toInt())
                    val bytes = ByteBuffer.allocate(4 * width * height)
                    bytes.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().put(colored.argb)
                    File(path, "painted").writeBytes(bytes.array())
                }
                events += if (colorizer.onGpu) "was on the GPU" else "was on the CPU"
            }
        }
    } catch (error: LiteRtException) {
        events += "failed: ${error.message}"
    }
}

private fun ints(file: File): IntArray {
    val values = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer()
    return IntArray(values.remaining()).also { values.get(it) }
}
