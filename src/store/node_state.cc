#include "store/node_state.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "log/segment.h"

namespace stave::store {

namespace {

constexpr std::string_view kFirstLine = "STAVE-NODE 1";
constexpr std::string_view kNodeMagic = "STAVE-NODE ";
constexpr std::string_view kChecksum = "checksum ";
constexpr std::uint64_t kBytesMax = 1u << 20;
constexpr std::size_t kNameMax = 512;

std::string hex_of(std::uint64_t number) {
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = "0123456789abcdef"[(number >> (4 * i)) & 15];
  return text;
}

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Lsn> lsn_of(std::string_view text) noexcept {
  const auto number = number_of(text);
  if (!number || *number > kLsnMax) return std::nullopt;
  return Lsn{*number};
}

/// The text before the first `end`, which is taken off with it.
std::string_view take(std::string_view& text, char end) noexcept {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

/// False: the line says nothing that could be understood.
bool read_line(std::string_view line, NodeState& state) {
  const std::string_view name = take(line, ' ');
  if (name == "id") {
    const auto id = id_of_hex(line);
    if (id) state.id = *id;
    return id.has_value();
  }
  if (name == "role") {
    state.follows = line == "follower";
    return state.follows || line == "leader";
  }
  if (name == "leader" || name == "told") {
    (name == "leader" ? state.leader : state.told) = line;
    return line.size() <= kNameMax;
  }
  if (name == "begins" || name == "whole") {
    const auto lsn = lsn_of(line);
    if (lsn) (name == "begins" ? state.begins : state.whole) = *lsn;
    return lsn.has_value();
  }
  if (name == "promised") {
    const auto number = number_of(line);
    if (number) state.promised = *number;
    return number.has_value();
  }
  if (name != "term") return false;
  const auto number = number_of(take(line, ' '));
  const auto leader = id_of_hex(take(line, ' '));
  const auto first = lsn_of(line);
  if (!number || !leader || !first) return false;
  if (!state.terms.empty() && (*number <= state.terms.back().number || *first <= state.terms.back().first))
    return false;
  state.terms.push_back({.number = *number, .leader = *leader, .first = *first});
  return state.terms.size() <= kTermsMax;
}

}  // namespace

std::string hex_of(std::span<const std::byte, 16> id) {
  std::string text;
  for (const std::byte b : id) {
    text += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
  }
  return text;
}

std::optional<log::NodeId> id_of_hex(std::string_view hex) noexcept {
  log::NodeId id{};
  if (hex.size() != 2 * id.size()) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (std::size_t i = 0; i < id.size(); ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id[i] = static_cast<std::byte>(16 * high + low);
  }
  return id;
}

log::NodeId draw_node_id() {
  log::NodeId id{};
  base::store(id.data(), log::random_bits());
  base::store(id.data() + 8, log::random_bits());
  return id;
}

std::string encode_node(const NodeState& state) {
  std::string text(kFirstLine);
  text += "\nid " + hex_of(std::span<const std::byte, 16>(state.id));
  text += state.follows ? "\nrole follower" : "\nrole leader";
  text += "\nleader " + state.leader;
  text += "\ntold " + state.told;
  text += "\nbegins " + std::to_string(raw(state.begins));
  text += "\nwhole " + std::to_string(raw(state.whole));
  text += "\npromised " + std::to_string(state.promised);
  for (const Term& term : state.terms)
    text += "\nterm " + std::to_string(term.number) + " " + hex_of(std::span<const std::byte, 16>(term.leader)) + " " +
            std::to_string(raw(term.first));
  text += "\n";
  const std::uint64_t check = base::xxh3(base::as_bytes(text), 0);
  return text.append(kChecksum).append(hex_of(check)).append("\n");
}

Result<NodeState> decode_node(std::string_view text, const std::string& path) {
  const auto corrupt = [&](std::string_view what) {
    return fail(Error(ErrorCode::kCorrupt, "the file that says what part the store has in its group " +
                                               std::string(what) +
                                               "; nothing was changed; without it the store is one of its own")
                    .with_file(path));
  };
  constexpr std::size_t kTail = kChecksum.size() + 16 + 1;
  if (text.size() < kFirstLine.size() + kTail || !text.starts_with(kNodeMagic)) return corrupt("is no such file");
  const std::string_view body = text.substr(0, text.size() - kTail);
  if (text.substr(body.size()) != std::string(kChecksum) + hex_of(base::xxh3(base::as_bytes(body), 0)) + "\n")
    return corrupt("is damaged");
  std::string_view rest = body;
  if (take(rest, '\n') != kFirstLine)
    return fail(Error(ErrorCode::kUnsupported, "a later version has written this file; use that").with_file(path));
  NodeState state;
  while (!rest.empty())
    if (!read_line(take(rest, '\n'), state)) return corrupt("contradicts itself");
  return state;
}

Result<std::optional<NodeState>> load_node(FileSystem& files, const std::string& directory) {
  const std::string path = log::join_path(directory, kNodeName);
  STAVE_ASSIGN(const bool exists, files.exists(path));
  if (!exists) return std::nullopt;
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  std::string text(std::min(size, kBytesMax), '\0');
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, std::as_writable_bytes(std::span(text))));
  text.resize(got);
  STAVE_ASSIGN(NodeState state, decode_node(text, path));
  return std::optional(std::move(state));
}

Result<void> save_node(FileSystem& files, const std::string& directory, const NodeState& state) {
  return log::publish_file(files, directory, kNodeName, base::as_bytes(encode_node(state)));
}

}  // namespace stave::store
