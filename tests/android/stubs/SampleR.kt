// Signatures for type checking only: nothing here is ever run.

package org.kerascolorize.sample

object R {
    object string {
        const val pick = 1
        const val working = 2
        const val done = 3
        const val failed = 4
    }
}
