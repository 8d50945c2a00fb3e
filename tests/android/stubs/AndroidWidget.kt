// Signatures for type checking only: nothing here is ever run.

package android.widget

import android.content.Context
import android.graphics.Bitmap
import android.view.View
import android.view.ViewGroup

open class TextView(context: Context) : View() {
    var text: CharSequence? = TODO()
    fun setText(id: Int): Unit = TODO()
}

open class Button(context: Context) : TextView(context)

open class ImageView(context: Context) : View() {
    fun setImageBitmap(bitmap: Bitmap?): Unit = TODO()
}

open class LinearLayout(context: Context) : ViewGroup() {
    var orientation: Int = TODO()

    companion object {
        const val VERTICAL = 1
    }
}
