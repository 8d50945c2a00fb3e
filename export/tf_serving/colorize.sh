#!/bin/sh
# Colours a photograph over REST: ./colorize.sh old.jpg new.png [http://HOST:PORT]
# KERAS_COLORIZE_API_KEY is the key of the server, if it asks for one.
set -eu
server=${3:-http://127.0.0.1:8501}
answer=$(mktemp)
header=$(mktemp) # a file: all users of a machine see the arguments of a program
trap 'rm "$answer" "$header"' EXIT
if [ -n "${KERAS_COLORIZE_API_KEY:-}" ]; then
    printf 'Authorization: Bearer %s\n' "$KERAS_COLORIZE_API_KEY" > "$header"
fi
{
    printf '{"signature_name": "colorize_bytes", "instances": [{"image_bytes": {"b64": "'
    base64 < "$1" | tr -d '\n'
    printf '"}}]}'
} | curl --silent --show-error --fail-with-body --header "@$header" --data-binary @- \
    "$server/v1/models/colorizer:predict" > "$answer" || { cat "$answer" >&2; exit 1; }
sed -n 's/.*"b64": *"\([^"]*\)".*/\1/p' "$answer" | base64 -d > "$2"
