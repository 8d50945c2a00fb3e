// Signatures for type checking only: nothing here is ever run.

package android.content.res

class AssetManager
