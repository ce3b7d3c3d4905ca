// Data sets as files: what a snapshot, an import and a stream of entries have in common.
//
// A reader turns bytes into `Item`s, one at a time, and hands each to a `Sink`; a `Writer` is a sink that turns items
// into bytes. Promises: memory holds one item (or one block of them), never the file; a length is checked against the
// limits and against the bytes that really came before memory is taken for it; an error names the file and the offset.
// Must not know: stores, sockets, threads, whose clock it is. Bytes come and go through `ByteInput` and `ByteOutput`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stave/error.h"
#include "stave/units.h"

namespace stave::exchange {

/// What a value is. The numbers are those of the store and of the files; they never change.
enum class Kind : std::uint8_t {
  kString = 0,
  kHash = 2,
  kList = 3,
  kSet = 4,
  kSortedSet = 5,
  kStream = 7,
  kSketch = 14
};
/// "string", "hash", "list", "set", "zset", "stream": as TYPE answers.
std::string_view to_string(Kind kind) noexcept;
/// The kind of that name; nullopt when there is none.
std::optional<Kind> kind_named(std::string_view name) noexcept;
/// The kind of that number; nullopt when this version knows none.
std::optional<Kind> kind_numbered(unsigned number) noexcept;

/// One key and all there is to it. Views are valid during the call they are passed to.
///
/// A hash whose fields expire tells their deadlines in its form; whoever keeps it makes form and expiry fit each other
/// (types::hash::Compact::settle), for a file may have told when the key dies by itself in either.
///
/// A collection comes whole. What is too large for that is to come as several items in a row, all of that key, each
/// with a value that is a collection by itself and goes on where the one before ended, and all but the last marked: bit
/// 7 of the tag in binary snapshots, which a reader of today refuses, nothing in JSON, whose arrays can be read in
/// pieces.
struct Item {
  int database = 0;
  std::string_view key;
  Kind kind = Kind::kString;
  std::string_view
      value;  ///< A string's bytes; the compact form of a collection, well formed; only a stream is ever empty.
  Expiry expiry{};
};

/// Something that was read and understood, but that this version has no place for: mostly a key of another type.
struct Skipped {
  int database = 0;
  std::string_view key;   ///< Empty for what has none.
  std::string_view type;  ///< As people call it: "list", "module".
};

/// Where items go. Threads: one at a time.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Takes one item. An error ends the reading and is handed to who started it.
  virtual Result<void> take(const Item& item) = 0;
  /// Is told of a key that was left out. The summary counts them.
  virtual Result<void> skip(const Skipped& skipped) {
    static_cast<void>(skipped);
    return {};
  }
  /// Takes a library of functions, as FUNCTION LOAD does. False: it was left out, and `skip` is told.
  virtual Result<bool> take_library(std::string_view text) {
    static_cast<void>(text);
    return false;
  }
};

/// What is known about a data set as a whole.
struct Header {
  UnixMs time{0};                      ///< When it was like this.
  Lsn lsn = kNoLsn;                    ///< Up to which point of the log it tells.
  std::optional<std::uint64_t> count;  ///< How many items will come, for who knows it.
};

/// Writes one data set: `begin`, any number of `take` in any order of keys and databases, `finish`. After an error the
/// output is worthless. Durability is the business of who owns the output.
class Writer : public Sink {
 public:
  virtual Result<void> begin(const Header& header) = 0;
  virtual Result<void> finish() = 0;
};

/// Where bytes go.
class ByteOutput {
 public:
  virtual ~ByteOutput() = default;
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  /// Writes over what was written at `offset` before. Errors: kUnsupported where that is gone (a pipe).
  virtual Result<void> patch(std::uint64_t offset, std::span<const std::byte> bytes);
};

/// Where bytes come from.
class ByteInput {
 public:
  virtual ~ByteInput() = default;
  /// Reads up to `into.size()` bytes; 0 only at the end.
  virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
};

enum class Format : std::uint8_t {
  kBinary1 = 1,  ///< Plain strings of database 0.
  kBinary2 = 2,  ///< Everything, compressed and checksummed.
  kJson = 3,     ///< One document. Written as version 2, read as 1 and 2.
  kNdjson = 4,   ///< One object per line.
  kRdb = 5,      ///< Redis' snapshot file. Read only.
  kAof = 6,      ///< Redis' append-only file: calls, not items. See aof.h.
};
/// "binary", "JSON", … as a person would say it.
std::string_view to_string(Format format) noexcept;

/// How large things may be that a reader takes memory for.
struct Limits {
  std::size_t key_bytes_max = 64u << 10;
  std::size_t value_bytes_max = 512u << 20;
  int databases = 256;  ///< Numbers below this are accepted.
};

/// What a reader found.
struct Summary {
  Format format{};
  Header header;               ///< As far as the file says.
  std::uint64_t entries = 0;   ///< Handed to the sink.
  std::uint64_t skipped = 0;   ///< Told to the sink and left out.
  std::uint64_t bytes = 0;     ///< Of input.
  bool truncated = false;      ///< An append-only file whose last call was cut off; everything before it was read.
  std::uint64_t commands = 0;  ///< Calls of an append-only file.
};

/// A writer of `format` into `output`, which must outlive it. Null for kRdb and kAof, which are only read.
/// kBinary1 refuses what it cannot hold (kUnsupported) and patches its count when the header did not say it.
std::unique_ptr<Writer> make_writer(Format format, ByteOutput& output);

/// Which format bytes that begin like this are in; nullopt when none. JSON documents and lines are told apart by their
/// first member. `start` should be some hundred bytes, or all there are.
std::optional<Format> detect(std::string_view start);

/// Reads a data set of any format but kAof, found out by its first bytes, into `sink`. `name` is what errors call it.
/// Errors: kCorrupt (names the offset), kUnsupported (a later version, or no known format), kTooLarge (a limit), those
/// of `input` and `sink`. What came before an error was handed to the sink, except for documents of JSON version 1,
/// which are understood in full before the first item is.
/// An empty input is an error, unless `assumed` says that it is lines, of which there may be none.
Result<Summary> read_any(ByteInput& input, const std::string& name, Sink& sink, const Limits& limits = {},
                         std::optional<Format> assumed = {});

}  // namespace stave::exchange
