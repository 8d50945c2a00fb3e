plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "org.kerascolorize.sample"
    compileSdk = 37

    defaultConfig {
        applicationId = "org.kerascolorize.sample"
        minSdk = 28 // ImageDecoder
        targetSdk = 37
        versionCode = 1
        versionName = "1.0"
    }

    androidResources {
        noCompress += "tflite" // so that it is mapped from the package, not unpacked into memory
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    implementation(project(":colorize"))
    implementation(libs.activity)
    implementation(libs.coroutines)
    implementation(libs.lifecycle)
}
