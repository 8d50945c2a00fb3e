package org.kerascolorize

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.ln
import kotlin.math.max
import kotlin.math.min

private const val DEFAULT_SIDE = 256
private const val LONGEST_ASPECT = 3.0
private const val MOST_TILES = 16 // a longer panorama is resized to fit these

/** A network that is ready to run. */
interface Network {
    /** What it takes. */
    val sizes: List<Size>

    /** c; ab comes at 1/c of the size of the lightness. */
    val chromaStride: Int

    /** Predicts ab from lightness, 0..100, of one of [sizes]. */
    fun predict(lightness: Plane): Ab
}

/**
 * How a picture goes through a network.
 *
 * @property frame what the network takes.
 * @property content the resized picture, in multiples of the chroma stride, so that ab can be cut
 *     to it exactly.
 */
data class Fit(val frame: Size, val content: Size)

/** The short side that is nearest to 256, or to [wanted], of the sizes that a network takes. */
fun shortSide(sizes: List<Size>, wanted: Int = DEFAULT_SIDE): Int =
    sizes.map { min(it.height, it.width) }.distinct().sorted().minBy { abs(it - wanted) }

/** Chooses the frame whose aspect is nearest to the picture's, and the picture's size within. */
fun fit(picture: Size, sizes: List<Size>, chromaStride: Int, side: Int): Fit {
    val aspect = picture.width.toDouble() / picture.height
    val within = aspect.coerceIn(1 / LONGEST_ASPECT, LONGEST_ASPECT)
    val frame = sizes
        .filter { min(it.height, it.width) == side }
        .minBy { abs(ln(it.width.toDouble() / it.height / within)) }
    val longest = MOST_TILES * max(frame.height, frame.width)
    // Beyond 3 : 1 the short side fills the frame, and the long side is cut into tiles.
    val limits = when {
        within == aspect -> frame
        picture.height > picture.width -> Size(longest, frame.width)
        else -> Size(frame.height, longest)
    }
    val scale = min(
        limits.height.toDouble() / picture.height,
        limits.width.toDouble() / picture.width,
    )
    fun inside(length: Int, limit: Int) =
        min(max(1, Math.rint(length * scale / chromaStride).toInt()) * chromaStride, limit)
    val content = Size(
        inside(picture.height, limits.height),
        inside(picture.width, limits.width),
    )
    return Fit(frame, content)
}

/**
 * Predicts ab for a picture of any size.
 *
 * @param lightness 0..100.
 * @param side as [shortSide] returns it.
 * @return of the network's resolution, nowhere finer than the picture; it covers the picture.
 */
fun predictAb(lightness: Plane, network: Network, side: Int): Ab {
    val stride = network.chromaStride
    val (frame, content) = fit(lightness.size, network.sizes, stride, side)
    val (top, bottom) = margins(content.height, frame.height, stride)
    val (left, right) = margins(content.width, frame.width, stride)
    val framed = lightness.resizedTo(content).reflected(top, bottom, left, right)
    val whole =
        if (framed.size == frame) network.predict(framed) else predictTiles(framed, network, frame)
    val size = Size(content.height / stride, content.width / stride)
    val finest = Size(min(size.height, lightness.height), min(size.width, lightness.width))
    return whole.map { it.cut(top / stride, left / stride, size).resizedTo(finest) }
}

/** A panorama goes through in overlapping tiles, which are blended linearly. */
private fun predictTiles(content: Plane, network: Network, frame: Size): Ab {
    val stride = network.chromaStride
    val size = Size(content.height / stride, content.width / stride)
    val sum = Ab(Plane(size), Plane(size))
    val total = Plane(size)
    for (top in starts(content.height, frame.height, stride)) {
        for (left in starts(content.width, frame.width, stride)) {
            val tile = network.predict(content.cut(top, left, frame))
            for (y in 0 until tile.size.height) {
                for (x in 0 until tile.size.width) {
                    val weight = tent(y, tile.size.height) * tent(x, tile.size.width)
                    val at = (top / stride + y) * size.width + left / stride + x
                    sum.a.values[at] += tile.a[y, x] * weight
                    sum.b.values[at] += tile.b[y, x] * weight
                    total.values[at] += weight
                }
            }
        }
    }
    return sum.map { it.with(total) { weighted, weight -> weighted / weight } }
}

/** What to add before and after to fill a window, in whole ab pixels. */
private fun margins(length: Int, window: Int, stride: Int): Pair<Int, Int> {
    val missing = max(0, window - length)
    val before = missing / (2 * stride) * stride
    return before to missing - before
}

/** Where the tiles begin: evenly, overlapping by a quarter of a window or more. */
private fun starts(length: Int, window: Int, stride: Int): List<Int> {
    if (length <= window) return listOf(0)
    val count = ceil((length - window) / (window * 3 / 4.0)).toInt() + 1
    return List(count) {
        Math.rint(it.toDouble() * (length - window) / (count - 1) / stride).toInt() * stride
    }
}

/** Weight of a tile along an axis: it rises to its middle, so that overlaps blend. */
private fun tent(position: Int, length: Int) = min(position + 0.5f, length - position - 0.5f)
