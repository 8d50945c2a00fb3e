// Signatures for type checking only: nothing here is ever run.

package android.content

import android.content.res.AssetManager

open class ContentResolver

abstract class Context {
    abstract val assets: AssetManager
    abstract val contentResolver: ContentResolver
    abstract fun getString(id: Int, vararg arguments: Any?): String
}
