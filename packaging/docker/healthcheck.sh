#!/bin/bash
# Whether the server in this container serves: asks /readyz, or, without HTTP, whether the port is open. bash speaks TCP
# by itself, so the image needs no curl.
set -eu
if [[ "${HTTP_PORT:-8080}" == 0 ]]; then
  exec 3<>"/dev/tcp/127.0.0.1/${PORT:-6379}"
  exit 0
fi
exec 3<>"/dev/tcp/127.0.0.1/${HTTP_PORT:-8080}"
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[[ "$status" == 200 ]]
