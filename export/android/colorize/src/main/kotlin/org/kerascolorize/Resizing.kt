package org.kerascolorize

import kotlin.math.ceil
import kotlin.math.max
import kotlin.math.min

/** Resizes by area averages where no side grows, else bilinearly (OpenCV's AREA and LINEAR). */
internal fun Plane.resizedTo(to: Size): Plane = when {
    to == size -> this
    to.height <= height && to.width <= width -> areaAverage(to)
    else -> bilinear(to)
}

/** Each pixel is the mean over its area of this plane, which is nowhere smaller. */
internal fun Plane.areaAverage(to: Size): Plane {
    val average = Plane(to)
    val rows = Areas(height, to.height)
    val columns = Areas(width, to.width)
    for (top in 0 until to.height) {
        rows.weights[top].forEachIndexed { j, rowWeight ->
            val row = (rows.first[top] + j) * width
            for (left in 0 until to.width) {
                val weights = columns.weights[left]
                val from = row + columns.first[left]
                var sum = 0f
                for (i in weights.indices) sum += weights[i] * values[from + i]
                average.values[top * to.width + left] += rowWeight * sum
            }
        }
    }
    return average
}

private fun Plane.bilinear(to: Size): Plane {
    val rows = Interpolation(height, to.height)
    val columns = Interpolation(width, to.width)
    val resized = Plane(to)
    for (y in 0 until to.height) {
        for (x in 0 until to.width) {
            fun along(row: Int) =
                columns.mix(x, this[row, columns.before[x]], this[row, columns.after[x]])
            val upper = along(rows.before[y])
            val lower = along(rows.after[y])
            resized.values[y * to.width + x] = rows.mix(y, upper, lower)
        }
    }
    return resized
}

/** Adds margins that hold the reflection of the picture, its edge pixels included. */
internal fun Plane.reflected(top: Int, bottom: Int, left: Int, right: Int): Plane {
    val whole = Plane(Size(top + height + bottom, left + width + right))
    for (y in 0 until whole.height) {
        val from = mirror(y - top, height) * width
        for (x in 0 until whole.width) {
            whole.values[y * whole.width + x] = values[from + mirror(x - left, width)]
        }
    }
    return whole
}

internal fun Plane.cut(top: Int, left: Int, of: Size): Plane {
    val part = Plane(of)
    for (y in 0 until of.height) {
        val from = (top + y) * width + left
        values.copyInto(part.values, y * of.width, from, from + of.width)
    }
    return part
}

private fun mirror(position: Int, length: Int): Int {
    val within = position.mod(2 * length)
    return if (within < length) within else 2 * length - 1 - within
}

/** Which pixels of an axis each pixel of a shorter one covers, from `first` on, and how much. */
private class Areas(from: Int, to: Int) {
    private val scale = from.toDouble() / to
    val first = IntArray(to) { (it * scale + EDGE).toInt() }
    val weights = Array(to) { i ->
        val end = min(from, ceil((i + 1) * scale - EDGE).toInt())
        FloatArray(end - first[i]) { j ->
            val pixel = first[i] + j.toDouble()
            ((min(pixel + 1, (i + 1) * scale) - max(pixel, i * scale)) / scale).toFloat()
        }
    }

    private companion object {
        const val EDGE = 1e-6 // less than this of a pixel is rounding of the scale
    }
}

/** Bilinear resizing of an axis with half-pixel centres: two neighbours, the share of `after`. */
internal class Interpolation(from: Int, to: Int) {
    val before = IntArray(to)
    val after = IntArray(to)
    private val share = FloatArray(to)

    init {
        for (i in 0 until to) {
            val position = ((i + 0.5) * from / to - 0.5).coerceIn(0.0, from - 1.0)
            before[i] = position.toInt()
            after[i] = min(before[i] + 1, from - 1)
            share[i] = (position - before[i]).toFloat()
        }
    }

    fun mix(i: Int, one: Float, other: Float) = one + (other - one) * share[i]
}
