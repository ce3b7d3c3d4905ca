// What a script may set about cjson, for itself: the next one finds it as it was.
#pragma once

namespace stave::commands::script {

struct JsonSettings {
  int encode_depth_max = 1000;
  int decode_depth_max = 1000;
  int digits = 14;
  bool sparse_to_object = false;
  int sparse_ratio = 2;  ///< 0: no table is too sparse.
  int sparse_safe = 10;
  bool encode_invalid = false;
  bool encode_invalid_as_null = false;
  bool decode_invalid = true;
};

}  // namespace stave::commands::script
