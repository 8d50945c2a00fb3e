#!/usr/bin/env bash
# Unpacks into FOLDER what `make test-arm` needs, and changes nothing else on the machine: QEMU's user
# emulation, Debian 12's Python 3.11 for arm64, and the wheels that a phone-sized computer installs.
#
#   tests/arm/install.sh FOLDER
set -eu
folder=$(realpath -m "$1")
cd "$(dirname "$0")/../.."
rm -rf "$folder"
mkdir -p "$folder/debs" "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"

# Lists of packages of its own: arm64 need not become one of the machine's architectures.
arm64=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$folder/apt/state"
    -o Dir::Cache="$folder/apt/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
apt-get -qq "${arm64[@]}" update
(
    cd "$folder/debs"
    apt-get -qq -o APT::Sandbox::User=root download qemu-user-static
    apt-get -qq "${arm64[@]}" download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib \
        libc6 libstdc++6 libgcc-s1 zlib1g libexpat1 libffi8 libbz2-1.0 liblzma5
)
mkdir "$folder/root" "$folder/qemu" "$folder/wheels"
dpkg-deb --fsys-tarfile "$folder"/debs/qemu-user-static_*.deb |
    tar -x -C "$folder/qemu" --strip-components=3 ./usr/bin/qemu-aarch64-static
rm "$folder"/debs/qemu-user-static_*.deb
for deb in "$folder"/debs/*.deb; do
    dpkg-deb -x "$deb" "$folder/root"
done

grep -E '^(ai-edge-litert|numpy|opencv-python-headless|tqdm)==' requirements.txt |
    "${PYTHON:-python3}" -m pip --disable-pip-version-check -qq install --no-deps -r /dev/stdin \
        --target "$folder/root/wheels" --only-binary=:all: --python-version 3.11 \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux2014_aarch64 --platform any

# XNNPACK reads here what the processor can do, and without it dies of a segmentation fault.
mkdir -p "$folder/root/proc"
cat > "$folder/root/proc/cpuinfo" <<'CPU'
processor	: 0
BogoMIPS	: 50.00
Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x4
CPU part	: 0xd0b
CPU revision	: 1
CPU
rm -rf "$folder/debs" "$folder/apt"
