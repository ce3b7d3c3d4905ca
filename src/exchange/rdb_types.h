// The numbers by which Redis' files name the types of values that have a place here. They are those of the files.
#pragma once

#include <cstdint>

namespace stave::exchange {

enum class RdbType : std::uint8_t {
  kString = 0,
  kList = 1,  // plain: a count, then so many strings; likewise the next three, a hash's in pairs
  kSet = 2,
  kZset = 3,  // with scores in digits
  kHash = 4,
  kZset2 = 5,  // with scores as doubles
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kZsetZiplist = 12,
  kHashZiplist = 13,
  kListQuicklist = 14,    // ziplists
  kStreamListpacks = 15,  // listpacks, counters, groups
  kHashListpack = 16,
  kZsetListpack = 17,
  kListQuicklist2 = 18,    // listpacks, and elements by themselves
  kStreamListpacks2 = 19,  // with more counters
  kSetListpack = 20,
  kStreamListpacks3 = 21,   // with when consumers were active
  kHashExpiringEarly = 22,  // fields with deadlines, as they were before they were released
  kHashListpackExpiringEarly = 23,
  kHashExpiring = 24,  // the earliest deadline, then deadlines counted from it
  kHashListpackExpiring = 25,
  kSketch = 240,  ///< Stave's own: no server of another make has it.
};

// Of a length that is an encoding: the integer that a string is.
inline constexpr unsigned char kInt8 = 0;
inline constexpr unsigned char kInt16 = 1;
inline constexpr unsigned char kInt32 = 2;

}  // namespace stave::exchange
