#include "replication/redis_state.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "log/segment.h"
#include "store/node_state.h"

namespace stave::replication {

namespace {

constexpr std::string_view kFirstLine = "stave redis 1";
constexpr std::string_view kRedisStateMagic = "stave redis ";
constexpr std::string_view kChecksum = "check ";
constexpr std::uint64_t kBytesMax = 64u << 10;
constexpr std::size_t kReplidDigits = 40;
constexpr std::string_view kCopies[] = {"none", "own", "load", "follow"};

std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string spell(const RedisPosition& position) {
  return (position.replid.empty() ? "-" : position.replid) + " " + std::to_string(position.offset) + " " +
         std::to_string(position.database);
}

bool read_position(std::string_view text, RedisPosition& position) {
  const std::string_view replid = take(text, ' ');
  if (replid != "-" && !is_replid(replid)) return false;
  position.replid = replid == "-" ? std::string_view{} : replid;
  return read_number(take(text, ' '), position.offset) && read_number(text, position.database) &&
         position.database >= 0;
}

std::string checksum_of(std::string_view body) {
  std::array<std::byte, 8> bytes;
  base::store(bytes.data(), base::xxh3(base::as_bytes(body), 0));
  std::string digits;
  for (const std::byte b : bytes) {
    digits += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
    digits += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
  }
  return digits;
}

bool read_line(std::string_view line, RedisState& state) {
  const std::string_view name = take(line, ' ');
  if (name == "role") {
    state.follows = line == "follower";
    return state.follows || line == "ordinary";
  }
  if (name == "master") return state.master = line, true;
  if (name == "told") return state.told = line, true;
  if (name == "lineage") return state.lineage = line, true;
  if (name == "loaded") return read_position(line, state.loaded);
  if (name != "copy") return false;
  const auto found = std::ranges::find(kCopies, line);
  if (found == std::end(kCopies)) return false;
  state.copy = static_cast<RedisCopy>(found - std::begin(kCopies));
  return true;
}

}  // namespace

bool is_replid(std::string_view text) noexcept {
  return text.size() == kReplidDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::string draw_lineage() {
  return store::hex_of(store::draw_node_id());
}

std::string encode_redis_state(const RedisState& state) {
  std::string text(kFirstLine);
  text += state.follows ? "\nrole follower" : "\nrole ordinary";
  text += "\nmaster " + state.master;
  text += "\ntold " + state.told;
  text += "\nlineage " + state.lineage;
  text.append("\ncopy ").append(kCopies[static_cast<std::size_t>(state.copy)]);
  text += "\nloaded " + spell(state.loaded) + "\n";
  const std::string check = checksum_of(text);
  return text.append(kChecksum).append(check).append("\n");
}

Result<RedisState> decode_redis_state(std::string_view text, const std::string& path) {
  const auto corrupt = [&](std::string_view what) {
    return fail(Error(ErrorCode::kCorrupt, "the file that says which Redis the store follows " + std::string(what) +
                                               "; nothing was changed; without it the store follows none")
                    .with_file(path));
  };
  constexpr std::size_t kTail = kChecksum.size() + 16 + 1;
  if (text.size() < kFirstLine.size() + kTail || !text.starts_with(kRedisStateMagic)) return corrupt("is no such file");
  const std::string_view body = text.substr(0, text.size() - kTail);
  if (text.substr(body.size()) != std::string(kChecksum) + checksum_of(body) + "\n") return corrupt("is damaged");
  std::string_view rest = body;
  if (take(rest, '\n') != kFirstLine)
    return fail(Error(ErrorCode::kUnsupported, "a later version has written this file; use that").with_file(path));
  RedisState state;
  while (!rest.empty())
    if (!read_line(take(rest, '\n'), state)) return corrupt("contradicts itself");
  return state;
}

Result<std::optional<RedisState>> load_redis_state(FileSystem& files, const std::string& directory) {
  const std::string path = log::join_path(directory, kRedisStateName);
  STAVE_ASSIGN(const bool exists, files.exists(path));
  if (!exists) return std::nullopt;
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  std::string text(std::min(size, kBytesMax), '\0');
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, std::as_writable_bytes(std::span(text))));
  text.resize(got);
  STAVE_ASSIGN(RedisState state, decode_redis_state(text, path));
  return std::optional(std::move(state));
}

Result<void> save_redis_state(FileSystem& files, const std::string& directory, const RedisState& state) {
  return log::publish_file(files, directory, kRedisStateName, base::as_bytes(encode_redis_state(state)));
}

std::string encode_position(std::string_view lineage, const RedisPosition& position) {
  return std::string(lineage) + " " + spell(position);
}

std::optional<RedisPosition> decode_position(std::string_view text, std::string_view lineage) {
  RedisPosition position;
  if (take(text, ' ') != lineage || !read_position(text, position) || position.replid.empty()) return std::nullopt;
  return position;
}

}  // namespace stave::replication
