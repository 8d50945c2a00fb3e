package org.kerascolorize

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.LiteRtException
import kotlin.math.min

private const val MOST_THREADS = 4 // slow cores would hold up the fast ones

/**
 * A `.tflite` file of `keras-colorize export`, on the GPU where that takes the whole network, else
 * on the CPU. All calls must come from one thread.
 *
 * @throws LiteRtException the file is missing, damaged, or lacks a signature.
 */
internal class LiteRtNetwork(
    private val assets: AssetManager,
    private val asset: String,
    override val sizes: List<Size>,
    gpu: Boolean,
) : Network, AutoCloseable {
    var accelerator = if (gpu) Accelerator.GPU else Accelerator.CPU
        private set
    private var model = try {
        open()
    } catch (error: LiteRtException) {
        openOnCpu(error)
    }

    override val chromaStride: Int

    init {
        val shape = model.getOutputTensorType("ab", signature(sizes.first())).layout?.dimensions
        val abHeight = requireNotNull(shape) { "$asset has an output of unknown shape." }[1]
        chromaStride = sizes.first().height / abHeight
    }

    override fun predict(lightness: Plane): Ab = try {
        run(lightness)
    } catch (error: LiteRtException) {
        val replacement = openOnCpu(error)
        model.close()
        model = replacement
        run(lightness)
    }

    override fun close() = model.close()

    private fun run(lightness: Plane): Ab {
        val signature = signature(lightness.size)
        return model.createInputBuffer("lightness", signature).use { input ->
            model.createOutputBuffer("ab", signature).use { output ->
                input.writeFloat(lightness.values)
                model.run(mapOf("lightness" to input), mapOf("ab" to output), signature)
                abOf(output.readFloat(), lightness.size)
            }
        }
    }

    private fun abOf(interleaved: FloatArray, frame: Size): Ab {
        val size = Size(frame.height / chromaStride, frame.width / chromaStride)
        fun channel(c: Int) =
            Plane(size, FloatArray(size.height * size.width) { interleaved[2 * it + c] })
        return Ab(channel(0), channel(1))
    }

    /** With the GPU alone as an option, LiteRT refuses a network that the GPU cannot take whole. */
    private fun open(): CompiledModel {
        val options = CompiledModel.Options(accelerator)
        if (accelerator == Accelerator.CPU) {
            val threads = min(MOST_THREADS, Runtime.getRuntime().availableProcessors())
            options.cpuOptions = CompiledModel.CpuOptions(numThreads = threads)
        }
        return CompiledModel.create(assets, asset, options)
    }

    private fun openOnCpu(error: LiteRtException): CompiledModel {
        if (accelerator == Accelerator.CPU) throw error
        accelerator = Accelerator.CPU
        return open()
    }

    private fun signature(size: Size) = "colorize_${size.height}x${size.width}"
}
