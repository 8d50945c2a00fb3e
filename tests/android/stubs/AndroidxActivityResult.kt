// Signatures for type checking only: nothing here is ever run.

package androidx.activity.result

import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia.VisualMediaType

abstract class ActivityResultLauncher<I> {
    abstract fun launch(input: I)
}

class PickVisualMediaRequest

fun PickVisualMediaRequest(mediaType: VisualMediaType): PickVisualMediaRequest = TODO()
