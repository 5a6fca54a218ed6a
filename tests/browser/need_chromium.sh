#!/bin/sh
# Installs a Chromium through the system's package manager where no browser of its kind is found.
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
echo "No Chromium found; installing one for the browser tests."
if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
if command -v apt-get >/dev/null 2>&1; then
    $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium >/dev/null
elif command -v dnf >/dev/null 2>&1; then
    $as_root dnf install -y -q chromium
elif command -v pacman >/dev/null 2>&1; then
    $as_root pacman -S --noconfirm chromium
elif command -v brew >/dev/null 2>&1; then
    brew install --cask chromium
else
    echo "Please install Chromium or Chrome; without it the browser tests are skipped." >&2
fi || echo "Chromium could not be installed; without it the browser tests are skipped." >&2
