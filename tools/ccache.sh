#!/bin/sh
# How CMake calls ccache. GCC reads the precompiled header that lies beside the one it is to make, stale as it is, unless
# it is the one who writes there; behind ccache it is not, so that goes first.
for argument in "$@"; do
  case $argument in
    *.gch) rm -f -- "$argument" ;;
  esac
done
exec ccache "$@"
