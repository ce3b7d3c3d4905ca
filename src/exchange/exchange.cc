#include "exchange/exchange.h"

#include <array>

#include "base/try.h"
#include "exchange/big_endian.h"
#include "exchange/binary.h"
#include "exchange/json.h"
#include "exchange/rdb.h"
#include "exchange/source.h"

namespace stave::exchange {

namespace {

constexpr std::array kKinds = {Kind::kString,    Kind::kHash,   Kind::kList,  Kind::kSet,
                               Kind::kSortedSet, Kind::kStream, Kind::kSketch};

/// The name of the first member of the object that `start` begins with; empty when there is none.
std::string_view first_member(std::string_view start) {
  const auto skip_blank = [&] { start.remove_prefix(std::min(start.find_first_not_of(" \t\r\n"), start.size())); };
  skip_blank();
  if (!start.starts_with('{')) return {};
  start.remove_prefix(1);
  skip_blank();
  if (!start.starts_with('"')) return {};
  start.remove_prefix(1);
  return start.substr(0, start.find('"'));
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::kString: return "string";
    case Kind::kHash: return "hash";
    case Kind::kList: return "list";
    case Kind::kSet: return "set";
    case Kind::kSortedSet: return "zset";
    case Kind::kSketch: return "sketch";
    case Kind::kStream: return "stream";
  }
  return "unknown";
}

std::optional<Kind> kind_numbered(unsigned number) noexcept {
  for (const Kind kind : kKinds)
    if (number == static_cast<unsigned>(kind)) return kind;
  return std::nullopt;
}

std::optional<Kind> kind_named(std::string_view name) noexcept {
  for (const Kind kind : kKinds)
    if (name == to_string(kind)) return kind;
  return std::nullopt;
}

std::string_view to_string(Format format) noexcept {
  switch (format) {
    case Format::kBinary1: return "binary, version 1";
    case Format::kBinary2: return "binary";
    case Format::kJson: return "JSON";
    case Format::kNdjson: return "lines of JSON";
    case Format::kRdb: return "Redis snapshot (RDB)";
    case Format::kAof: return "Redis append-only file";
  }
  return "unknown";
}

Result<void> ByteOutput::patch(std::uint64_t, std::span<const std::byte>) {
  return fail(ErrorCode::kUnsupported, "this output cannot go back to fill in what is known at the end only");
}

std::unique_ptr<Writer> make_writer(Format format, ByteOutput& output) {
  switch (format) {
    case Format::kBinary1: return make_binary1_writer(output);
    case Format::kBinary2: return make_binary2_writer(output);
    case Format::kJson: return make_json_writer(output);
    case Format::kNdjson: return make_ndjson_writer(output);
    case Format::kRdb:
    case Format::kAof: break;
  }
  return nullptr;
}

std::optional<Format> detect(std::string_view start) {
  if (start.size() >= kBinaryMagicBytes && load_big<std::uint32_t>(start) == kBinaryMagic)
    return load_big<std::uint32_t>(start.substr(4)) == 1 ? Format::kBinary1 : Format::kBinary2;
  if (start.starts_with(kRdbMagic)) return Format::kRdb;
  if (start.starts_with('*') || start.starts_with("#TS:")) return Format::kAof;
  if (start.starts_with("\xef\xbb\xbf")) return std::nullopt;  // RFC 8259 forbids the byte order mark
  const std::size_t begin = start.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || start[begin] != '{') return std::nullopt;
  constexpr std::array<std::string_view, 8> kOfAnEntry = {"key",   "key_base64",   "database",   "type",
                                                          "value", "value_base64", "expires_at", "sliding_ms"};
  const std::string_view name = first_member(start);
  for (const std::string_view member : kOfAnEntry)
    // A document of version 1 may begin with its times, which are an object.
    if (name == member && !(name == "expires_at" || name == "sliding_ms")) return Format::kNdjson;
  return Format::kJson;
}

Result<Summary> read_any(ByteInput& input, const std::string& name, Sink& sink, const Limits& limits,
                         std::optional<Format> assumed) {
  constexpr std::size_t kStartBytes = 512;
  Source source(input, name);
  STAVE_ASSIGN(const std::string_view start, source.peek(kStartBytes));
  if (start.empty() && assumed == Format::kNdjson) return read_ndjson(source, sink, limits);
  switch (detect(start).value_or(Format::kAof)) {
    case Format::kBinary1:
    case Format::kBinary2: return read_binary(source, sink, limits);
    case Format::kJson: return read_json(source, sink, limits);
    case Format::kNdjson: return read_ndjson(source, sink, limits);
    case Format::kRdb: return read_rdb(source, sink, limits);
    case Format::kAof: break;
  }
  return source.fail_at(0, ErrorCode::kUnsupported,
                        start.empty() ? "the file is empty" : "neither a snapshot of Stave nor one of Redis");
}

}  // namespace stave::exchange
