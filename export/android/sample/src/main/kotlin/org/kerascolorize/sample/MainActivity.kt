package org.kerascolorize.sample

import android.graphics.Bitmap
import android.graphics.ImageDecoder
import android.net.Uri
import android.os.Bundle
import android.os.SystemClock
import android.widget.Button
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import androidx.lifecycle.lifecycleScope
import com.google.ai.edge.litert.LiteRtException
import java.io.IOException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.kerascolorize.Colorizer

/** Picks a photograph, shows it, and then shows it coloured. */
class MainActivity : ComponentActivity() {
    private lateinit var button: Button
    private lateinit var status: TextView
    private lateinit var image: ImageView
    private var colorizer: Colorizer? = null

    private val picker = registerForActivityResult(PickVisualMedia()) { uri ->
        if (uri != null) lifecycleScope.launch { show(uri) }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        button = Button(this).apply {
            setText(R.string.pick)
            setOnClickListener { picker.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly)) }
        }
        status = TextView(this)
        image = ImageView(this)
        setContentView(
            LinearLayout(this).apply {
                orientation = LinearLayout.VERTICAL
                fitsSystemWindows = true
                addView(button)
                addView(status)
                addView(image)
            }
        )
    }

    override fun onDestroy() {
        colorizer?.close()
        super.onDestroy()
    }

    private suspend fun show(uri: Uri) {
        button.isEnabled = false
        status.setText(R.string.working)
        try {
            val picture = withContext(Dispatchers.IO) { decode(uri) }
            image.setImageBitmap(picture)
            val loaded = colorizer ?: Colorizer.load(this).also { colorizer = it }
            val start = SystemClock.elapsedRealtime()
            val colored = loaded.colorize(picture)
            val taken = SystemClock.elapsedRealtime() - start
            image.setImageBitmap(colored)
            val where = if (loaded.onGpu) "GPU" else "CPU"
            status.text = getString(R.string.done, colored.width, colored.height, taken, where)
        } catch (error: IOException) {
            status.text = getString(R.string.failed, error.message)
        } catch (error: LiteRtException) {
            status.text = getString(R.string.failed, error.message)
        } finally {
            button.isEnabled = true
        }
    }

    /** Turns the picture upright as its EXIF says, in memory that can be read. */
    private fun decode(uri: Uri): Bitmap {
        val source = ImageDecoder.createSource(contentResolver, uri)
        return ImageDecoder.decodeBitmap(source) { decoder, _, _ ->
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
        }
    }
}
