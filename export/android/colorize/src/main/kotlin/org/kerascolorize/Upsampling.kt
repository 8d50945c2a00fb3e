package org.kerascolorize

import kotlin.math.max
import kotlin.math.min

private const val RADIUS = 1
private const val EPSILON = 100f

/**
 * Edge-aware upsampling of ab: the fast guided filter (He and Sun 2015) with L as its guide.
 *
 * The same filter, with the same departure from the paper, as
 * `keras_colorize/imaging/upsampling.py`, which says why.
 *
 * @param ab covers the whole picture.
 * @param lightness of the same picture, 0..100, nowhere smaller than [ab].
 */
class GuidedUpsampler(ab: Ab, lightness: Plane) {
    private val low = ab.size
    private val rows = Interpolation(low.height, lightness.height)
    private val columns = Interpolation(low.width, lightness.width)

    /** Slope and offset of a, then of b: `ab = slope * L + offset` around each pixel. */
    private val model: List<Plane>

    init {
        val guide = lightness.areaAverage(low)
        val mean = guide.boxMean()
        val variance = guide.map { it * it }.boxMean().with(mean) { square, m -> square - m * m }
        val scaleY = lightness.height.toFloat() / low.height
        val scaleX = lightness.width.toFloat() / low.width
        val sharpGuide = guide.sharpened(scaleY, scaleX)
        model = listOf(ab.a, ab.b).flatMap { channel ->
            val product = guide.with(channel) { g, c -> g * c }.boxMean()
            val means = mean.with(channel.boxMean()) { g, c -> g * c }
            val covariance = product.with(means) { p, m -> p - m }
            val slope = covariance.with(variance) { c, v -> c / (v + EPSILON) }.boxMean()
            val explained = slope.with(sharpGuide) { s, g -> s * g }
            listOf(slope, channel.sharpened(scaleY, scaleX).with(explained) { c, e -> c - e })
        }
    }

    /**
     * Gives a and b of row [y] of the picture.
     *
     * @param lightness holds the row's L from [from] on.
     */
    fun row(y: Int, lightness: FloatArray, from: Int, a: FloatArray, b: FloatArray) {
        val (slopeA, offsetA, slopeB, offsetB) = model.map { plane ->
            val above = rows.before[y] * low.width
            val below = rows.after[y] * low.width
            FloatArray(low.width) {
                rows.mix(y, plane.values[above + it], plane.values[below + it])
            }
        }
        for (x in a.indices) {
            val left = columns.before[x]
            val right = columns.after[x]
            val l = lightness[from + x]
            a[x] = columns.mix(x, slopeA[left], slopeA[right]) * l +
                columns.mix(x, offsetA[left], offsetA[right])
            b[x] = columns.mix(x, slopeB[left], slopeB[right]) * l +
                columns.mix(x, offsetB[left], offsetB[right])
        }
    }
}

/**
 * Colours a picture, some rows at a time, from several threads if wanted.
 *
 * @param lightness of the picture, 0..100, which it keeps.
 * @param ab covers the whole picture, nowhere larger.
 */
class Painter(private val lightness: Plane, ab: Ab) {
    private val upsampler = GuidedUpsampler(ab, lightness)

    /** Writes the rows from [start] to before [stop] into [argb], which keeps its alpha. */
    fun paint(start: Int, stop: Int, argb: IntArray) {
        val width = lightness.width
        val a = FloatArray(width)
        val b = FloatArray(width)
        for (y in start until stop) {
            upsampler.row(y, lightness.values, y * width, a, b)
            val to = (y - start) * width
            for (x in 0 until width) {
                argb[to + x] = argbOf(argb[to + x] ushr 24, lightness[y, x], a[x], b[x])
            }
        }
    }
}

/** Mean over the pixels of each (2 [RADIUS] + 1)² window that lie in the plane. */
private fun Plane.boxMean(): Plane {
    val means = Plane(size)
    for (y in 0 until height) {
        val ys = max(0, y - RADIUS)..min(height - 1, y + RADIUS)
        for (x in 0 until width) {
            val xs = max(0, x - RADIUS)..min(width - 1, x + RADIUS)
            var sum = 0f
            for (j in ys) for (i in xs) sum += this[j, i]
            means.values[y * width + x] = sum / (ys.count() * xs.count())
        }
    }
    return means
}

/** Adds what upsampling by these factors is going to blur: one step of back-projection. */
private fun Plane.sharpened(scaleY: Float, scaleX: Float): Plane {
    val sideY = (1 - 1 / (scaleY * scaleY)) / 8
    val sideX = (1 - 1 / (scaleX * scaleX)) / 8
    fun along(y: Int, x: Int) = (1 - 2 * sideX) * this[y, x] +
        sideX * (this[y, max(0, x - 1)] + this[y, min(width - 1, x + 1)])
    val sharp = Plane(size)
    for (y in 0 until height) {
        for (x in 0 until width) {
            val smooth = (1 - 2 * sideY) * along(y, x) +
                sideY * (along(max(0, y - 1), x) + along(min(height - 1, y + 1), x))
            sharp.values[y * width + x] = 2 * this[y, x] - smooth
        }
    }
    return sharp
}
