package org.kerascolorize

/** Height and width in pixels. */
data class Size(val height: Int, val width: Int)

/** One channel of a picture: floats, row by row. */
class Plane(val size: Size, val values: FloatArray = FloatArray(size.height * size.width)) {
    val height get() = size.height
    val width get() = size.width

    init {
        require(values.size == height * width) { "${values.size} values are not $size." }
    }

    operator fun get(y: Int, x: Int) = values[y * width + x]

    internal inline fun map(change: (Float) -> Float) =
        Plane(size, FloatArray(values.size) { change(values[it]) })

    internal inline fun with(other: Plane, combine: (Float, Float) -> Float) =
        Plane(size, FloatArray(values.size) { combine(values[it], other.values[it]) })
}

/** Colour of a picture: a and b in Lab units, about -128 to 127. */
class Ab(val a: Plane, val b: Plane) {
    val size get() = a.size

    init {
        require(a.size == b.size) { "a is ${a.size}, b is ${b.size}." }
    }

    internal inline fun map(change: (Plane) -> Plane) = Ab(change(a), change(b))
}
