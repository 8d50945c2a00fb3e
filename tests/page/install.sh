#!/usr/bin/env bash
# Installs Debian's Chromium, which `make test-page` needs, unless one is there.
set -eu
if command -v chromium > /dev/null; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "The tests of the page need Chromium. On Debian, as root: apt-get install chromium" >&2
    exit 1
fi
echo "Installing Chromium with apt-get (once, about a minute) ..."
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends chromium > /dev/null
