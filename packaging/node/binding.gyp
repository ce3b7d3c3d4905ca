{
  "targets": [
    {
      "target_name": "stave",
      "sources": ["src/addon.c", "src/async.c", "src/txn.c", "src/values.c"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-std=c11", "<!@(pkg-config --cflags stave)"],
      "libraries": ["<!@(pkg-config --libs stave)", "-Wl,-rpath,<!(pkg-config --variable=libdir stave)"]
    }
  ]
}
