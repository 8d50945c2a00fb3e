// Signatures for type checking only: nothing here is ever run.

package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException(message: String) : Exception(message)

abstract class JniHandle : AutoCloseable {
    final override fun close(): Unit = TODO()
}

class Environment private constructor() : JniHandle()

class TensorBuffer private constructor() : JniHandle() {
    fun writeFloat(data: FloatArray): Unit = TODO()
    fun readFloat(): FloatArray = TODO()
}

class TensorType private constructor(val layout: Layout?) {
    class Layout private constructor(val dimensions: List<Int>)
}

class CompiledModel private constructor() : JniHandle() {
    class CpuOptions(val numThreads: Int? = null)

    class Options(vararg accelerators: Accelerator) {
        var cpuOptions: CpuOptions? = null
    }

    fun createInputBuffer(inputName: String, signature: String = ""): TensorBuffer = TODO()
    fun createOutputBuffer(outputName: String, signature: String = ""): TensorBuffer = TODO()
    fun getOutputTensorType(outputName: String, signature: String = ""): TensorType = TODO()
    fun run(
        inputs: Map<String, TensorBuffer>,
        outputs: Map<String, TensorBuffer>,
        signature: String = "",
    ): Unit = TODO()

    companion object {
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options,
            optionalEnv: Environment? = null,
        ): CompiledModel = TODO()
    }
}
