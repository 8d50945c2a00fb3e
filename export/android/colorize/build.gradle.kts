plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "org.kerascolorize"
    compileSdk = 37

    defaultConfig {
        minSdk = 26 // Bitmap.Config.HARDWARE; LiteRT itself wants 24
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    implementation(libs.coroutines)
    implementation(libs.litert)
    implementation(libs.litert.gpu) // without it LiteRT 2.3 has no GPU
}
