#!/bin/bash
# Whether the server in this container serves: asks /readyz, or, without HTTP or when that is https only, sends a PING to
# the other port, which opens once the store does. bash speaks TCP by itself, so the image needs no curl.
set -eu
port="${STAVE_PORT:-${PORT:-6379}}"
[[ "$port" == tcp://* ]] && port=6379  # of a Service that is called stave
http="${STAVE_HTTP_PORT:-${HTTP_PORT:-8080}}"
if [[ "$http" == 0 || -n "${STAVE_TLS_CERT_FILE:-${TLS_CERT_FILE:-}}" ]]; then
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'PING\r\n' >&3
  # +PONG, or -NOAUTH: it is there, and would answer whoever may ask.
  IFS= read -r -t 10 answer <&3
  [[ "$answer" == +PONG* || "$answer" == -NOAUTH* ]]
  exit
fi
exec 3<>"/dev/tcp/127.0.0.1/$http"
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[[ "$status" == 200 ]]
