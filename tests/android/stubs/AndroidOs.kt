// Signatures for type checking only: nothing here is ever run.

package android.os

class Bundle

object SystemClock {
    fun elapsedRealtime(): Long = TODO()
}
