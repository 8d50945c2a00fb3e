#!/usr/bin/env bash
# Unpacks into FOLDER what `make test-gpu` needs, and changes nothing else on the machine: SwiftShader,
# a GPU in software with a driver for Vulkan, from Debian's package of Chromium.
#
#   tests/gpu/install.sh FOLDER
set -eu
folder=$(realpath -m "$1")
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download chromium-common
dpkg-deb --fsys-tarfile chromium-common_*.deb | tar -x --strip-components=4 \
    ./usr/lib/chromium/libvk_swiftshader.so ./usr/lib/chromium/libvulkan.so.1 \
    ./usr/lib/chromium/vk_swiftshader_icd.json
rm chromium-common_*.deb
