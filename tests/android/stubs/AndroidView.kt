// Signatures for type checking only: nothing here is ever run.

package android.view

open class View {
    open var isEnabled: Boolean = TODO()
    open var fitsSystemWindows: Boolean = TODO()
    fun setOnClickListener(listener: (View) -> Unit): Unit = TODO()
}

open class ViewGroup : View() {
    open fun addView(child: View): Unit = TODO()
}
