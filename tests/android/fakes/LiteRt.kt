// A LiteRT that answers with the ab in the file FILE.ab, refuses or breaks as the name of the file
// says, and keeps what it was asked.
package com.google.ai.edge.litert

import android.content.res.AssetManager
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

val events = mutableListOf<String>()

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException(message: String) : Exception(message)

abstract class JniHandle(private val name: String) : AutoCloseable {
    private var open = true

    fun use(): JniHandle = also { check(open) { "$name is used after its end" } }

    final override fun close() {
        use()
        open = false
        if (name != "buffer") events += "close $name"
    }
}

class Environment private constructor() : JniHandle("environment")

class TensorBuffer internal constructor(private var values: FloatArray) : JniHandle("buffer") {
    fun writeFloat(data: FloatArray) {
        use()
        check(data.size == values.size)
        values = data.copyOf()
    }

    fun readFloat(): FloatArray = values.copyOf().also { use() }
}

class TensorType internal constructor(val layout: Layout?) {
    class Layout internal constructor(val dimensions: List<Int>)
}

class CompiledModel private constructor(
    private val file: String,
    private val accelerator: Accelerator,
) : JniHandle("$accelerator") {
    private val thread = Thread.currentThread()

    class CpuOptions(val numThreads: Int? = null)

    class Options(internal vararg val accelerators: Accelerator) {
        var cpuOptions: CpuOptions? = null
    }

    fun createInputBuffer(inputName: String, signature: String = ""): TensorBuffer {
        check(inputName == "lightness")
        val (height, width) = size(signature)
        return TensorBuffer(FloatArray(height * width))
    }

    fun createOutputBuffer(outputName: String, signature: String = ""): TensorBuffer {
        val shape = getOutputTensorType(outputName, signature).layout!!.dimensions
        return TensorBuffer(FloatArray(shape.reduce(Int::times)))
    }

    fun getOutputTensorType(outputName: String, signature: String = ""): TensorType {
        check(outputName == "ab")
        val (height, width) = size(signature)
        return TensorType(TensorType.Layout(listOf(1, height / 4, width / 4, 2)))
    }

    fun run(
        inputs: Map<String, TensorBuffer>,
        outputs: Map<String, TensorBuffer>,
        signature: String = "",
    ) {
        use()
        check(Thread.currentThread() == thread) { "a model is used by another thread" }
        events += "run $signature on $accelerator"
        if (accelerator == Accelerator.GPU && "breaking" in file) throw LiteRtException("it broke")
        val lightness = inputs.getValue("lightness").readFloat()
        val asked = ByteBuffer.allocate(4 * lightness.size).order(ByteOrder.LITTLE_ENDIAN)
        asked.asFloatBuffer().put(lightness)
        File("$file.asked").writeBytes(asked.array())
        val recorded = ByteBuffer.wrap(File("$file.ab").readBytes()).order(ByteOrder.LITTLE_ENDIAN)
        val ab = FloatArray(recorded.remaining() / 4)
        recorded.asFloatBuffer().get(ab)
        outputs.getValue("ab").writeFloat(ab)
    }

    private fun size(signature: String) =
        signature.removePrefix("colorize_").split("x").map { it.toInt() }.also { use() }

    companion object {
        fun create(
            @Suppress("UNUSED_PARAMETER") assetManager: AssetManager,
            assetName: String,
            options: Options,
            @Suppress("UNUSED_PARAMETER") optionalEnv: Environment? = null,
        ): CompiledModel {
            val accelerator = options.accelerators.single()
            events += "open on $accelerator"
            val refused = accelerator == Accelerator.GPU && "refused" in assetName
            if (refused || "missing" in assetName) throw LiteRtException("it cannot be opened")
            check((accelerator == Accelerator.CPU) == (options.cpuOptions != null))
            return CompiledModel(assetName, accelerator)
        }
    }
}
