// Lets the Python tests call the library: `Bridge COMMAND FOLDER`, arrays in files of the folder.

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.kerascolorize.Ab
import org.kerascolorize.GuidedUpsampler
import org.kerascolorize.Network
import org.kerascolorize.Plane
import org.kerascolorize.Size
import org.kerascolorize.argbOf
import org.kerascolorize.fit
import org.kerascolorize.lightnessOf
import org.kerascolorize.predictAb
import org.kerascolorize.shortSide

fun main(arguments: Array<String>) {
    val (command, path) = arguments
    val folder = Folder(File(path))
    when (command) {
        "lightness" -> {
            val argb = folder.ints("argb")
            folder.write("lightness", FloatArray(argb.size) { lightnessOf(argb[it]) })
        }
        "rgb" -> {
            val (lightness, a, b) = listOf("lightness", "a", "b").map { folder.floats(it) }
            folder.write("argb", IntArray(a.size) { argbOf(255, lightness[it], a[it], b[it]) })
        }
        "upsample" -> upsample(folder)
        "fit" -> {
            val (stride, wanted) = folder.ints("settings").toList()
            val sizes = folder.sizes("sizes")
            val side = shortSide(sizes, wanted)
            folder.write(
                "fits",
                folder.sizes("pictures").flatMap {
                    val (frame, content) = fit(it, sizes, stride, side)
                    listOf(side, frame.height, frame.width, content.height, content.width)
                }.toIntArray(),
            )
        }
        "predict" -> predict(folder)
        else -> error("no command $command")
    }
}

private fun upsample(folder: Folder) {
    val lightness = folder.plane("lightness")
    val upsampler = GuidedUpsampler(Ab(folder.plane("a"), folder.plane("b")), lightness)
    val a = FloatArray(lightness.width)
    val b = FloatArray(lightness.width)
    val rows = (0 until lightness.height).map { y ->
        upsampler.row(y, lightness.values, y * lightness.width, a, b)
        a.copyOf() to b.copyOf()
    }
    folder.write("full_a", rows.flatMap { it.first.asList() }.toFloatArray())
    folder.write("full_b", rows.flatMap { it.second.asList() }.toFloatArray())
}

/** Answers with what the Python network gave, call by call, and keeps what it is asked. */
private class Recorded(private val folder: Folder) : Network {
    override val sizes = folder.sizes("sizes")
    override val chromaStride = folder.ints("settings")[0]
    private var calls = 0

    override fun predict(lightness: Plane): Ab {
        val call = calls++
        folder.write("asked_$call", lightness.values)
        return Ab(folder.plane("a_$call"), folder.plane("b_$call"))
    }
}

private fun predict(folder: Folder) {
    val ab = predictAb(folder.plane("lightness"), Recorded(folder), folder.ints("settings")[1])
    folder.write("size", intArrayOf(ab.size.height, ab.size.width))
    folder.write("a", ab.a.values)
    folder.write("b", ab.b.values)
}

private class Folder(private val path: File) {
    private fun read(name: String) =
        ByteBuffer.wrap(File(path, name).readBytes()).order(ByteOrder.LITTLE_ENDIAN)

    fun ints(name: String): IntArray {
        val values = read(name).asIntBuffer()
        return IntArray(values.remaining()).also { values.get(it) }
    }

    fun floats(name: String): FloatArray {
        val values = read(name).asFloatBuffer()
        return FloatArray(values.remaining()).also { values.get(it) }
    }

    fun sizes(name: String) =
        ints(name).toList().chunked(2) { (height, width) -> Size(height, width) }

    fun plane(name: String) = Plane(sizes("$name.shape").single(), floats(name))

    fun write(name: String, values: FloatArray) =
        write(name, values.size) { asFloatBuffer().put(values) }

    fun write(name: String, values: IntArray) =
        write(name, values.size) { asIntBuffer().put(values) }

    private fun write(name: String, count: Int, put: ByteBuffer.() -> Unit) {
        val bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN)
        bytes.put()
        File(path, name).writeBytes(bytes.array())
    }
}
