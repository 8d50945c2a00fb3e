package org.kerascolorize

import kotlin.math.cbrt
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sqrt

// sRGB and CIE 1976 L*a*b* (D65, 2 degree observer), with the constants of
// keras_colorize/imaging/color.py: IEC 61966-2-1 and CIE 15, as scikit-image has them.

private val Y_FROM_RGB = floatArrayOf(0.212671f, 0.715160f, 0.072169f)
private const val WHITE_X = 0.95047f
private const val WHITE_Z = 1.08883f
private const val CUBE_ROOT_FROM = 0.008856
private const val F_OF_CUBE_ROOT_FROM = 0.20689270f
private const val STEPS = 65535

/** Table: 8-bit sRGB code to linear light. */
private val LINEAR = FloatArray(256) {
    val encoded = it / 255.0
    (if (encoded > 0.04045) ((encoded + 0.055) / 1.055).pow(2.4) else encoded / 12.92).toFloat()
}

/** Table: square root of the luminance Y, in steps, to L; the root spreads the dark tones. */
private val LIGHTNESS_OF_ROOT = FloatArray(STEPS + 1) {
    val y = (it.toDouble() / STEPS).pow(2)
    (116 * (if (y > CUBE_ROOT_FROM) cbrt(y) else 7.787 * y + 16.0 / 116) - 16).toFloat()
}

/** Table: linear light, in steps that are entered at their floor, to the 8-bit sRGB code. */
private val ENCODED = ByteArray(STEPS + 1) {
    val linear = (it + 0.5) / STEPS
    val encoded = if (linear > 0.0031308) 1.055 * linear.pow(1 / 2.4) - 0.055 else linear * 12.92
    Math.rint(min(encoded, 1.0) * 255).toInt().toByte()
}

/** Lightness L, 0..100, of an sRGB colour; alpha does not count. */
fun lightnessOf(argb: Int): Float {
    val y = Y_FROM_RGB[0] * LINEAR[argb shr 16 and 255] +
        Y_FROM_RGB[1] * LINEAR[argb shr 8 and 255] +
        Y_FROM_RGB[2] * LINEAR[argb and 255]
    return LIGHTNESS_OF_ROOT[min((sqrt(y) * STEPS + 0.5f).toInt(), STEPS)]
}

/** The sRGB colour of L, 0..100, and a and b in Lab units, each channel cut to the gamut. */
fun argbOf(alpha: Int, lightness: Float, a: Float, b: Float): Int {
    val fy = (lightness + 16) / 116
    val x = WHITE_X * cubeOf(fy + a / 500)
    val y = cubeOf(fy)
    val z = WHITE_Z * cubeOf(fy - b / 200)
    // The inverse of the matrix in color.py.
    val red = encode(3.24048134f * x - 1.53715152f * y - 0.49853633f * z)
    val green = encode(-0.96925495f * x + 1.87599f * y + 0.04155593f * z)
    val blue = encode(0.05564664f * x - 0.20404134f * y + 1.05731107f * z)
    return alpha shl 24 or (red shl 16) or (green shl 8) or blue
}

private fun cubeOf(f: Float) =
    if (f > F_OF_CUBE_ROOT_FROM) f * f * f else (f - 16f / 116) / 7.787f

private fun encode(linear: Float) =
    ENCODED[(linear.coerceIn(0f, 1f) * STEPS).toInt()].toInt() and 255
