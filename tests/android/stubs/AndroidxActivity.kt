// Signatures for type checking only: nothing here is ever run.

package androidx.activity

import android.content.ContentResolver
import android.content.Context
import android.content.res.AssetManager
import android.os.Bundle
import android.view.View
import androidx.activity.result.ActivityResultLauncher
import androidx.activity.result.contract.ActivityResultContract
import androidx.lifecycle.LifecycleOwner

open class ComponentActivity : Context(), LifecycleOwner {
    override val assets: AssetManager get() = TODO()
    override val contentResolver: ContentResolver get() = TODO()
    override fun getString(id: Int, vararg arguments: Any?): String = TODO()
    protected open fun onCreate(savedInstanceState: Bundle?): Unit = TODO()
    protected open fun onDestroy(): Unit = TODO()
    open fun setContentView(view: View?): Unit = TODO()
    fun <I, O> registerForActivityResult(
        contract: ActivityResultContract<I, O>,
        callback: (O) -> Unit,
    ): ActivityResultLauncher<I> = TODO()
}
