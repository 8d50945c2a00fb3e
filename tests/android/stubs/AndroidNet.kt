// Signatures for type checking only: nothing here is ever run.

package android.net

abstract class Uri
