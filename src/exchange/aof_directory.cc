#include <algorithm>
#include <charconv>
#include <optional>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/aof.h"
#include "exchange/files.h"

namespace stave::exchange {

namespace {

constexpr std::uint64_t kManifestBytesMax = 16u << 20;

/// Takes the next word off a line; in double quotes it may hold blanks and \" and \\. nullopt: none, or malformed.
std::optional<std::string> take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
  if (line.empty()) return std::nullopt;
  std::string word;
  if (line[0] != '"') {
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
  }
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      line.remove_prefix(i + 1);
      return word;
    }
    if (line[i] == '\\' && ++i == line.size()) break;
    word += line[i];
  }
  return std::nullopt;
}

/// A name of the directory itself: what a manifest says must not lead out of it.
bool is_plain(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\0", 2)) == name.npos;
}

std::optional<AofPart> parse_part(std::string_view line) {
  AofPart part;
  bool has_role = false;
  bool has_sequence = false;
  while (const auto name = take_word(line)) {
    const auto value = take_word(line);
    if (!value) return std::nullopt;
    if (*name == "file") {
      part.file = *value;
    } else if (*name == "seq") {
      const char* const last = value->data() + value->size();
      const auto [end, error] = std::from_chars(value->data(), last, part.sequence);
      if (error != std::errc{} || end != last) return std::nullopt;
      has_sequence = true;
    } else if (*name == "type") {
      if (*value != "b" && *value != "i" && *value != "h") return std::nullopt;
      part.role = static_cast<AofPart::Role>(value->front());
      has_role = true;
    }
    // Later versions say more ("startoffset"), which changes nothing for who reads all of it.
  }
  if (!is_plain(part.file) || !has_role || !has_sequence) return std::nullopt;
  return part;
}

Result<std::string> read_small_file(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  if (size > kManifestBytesMax)
    return fail(Error(ErrorCode::kTooLarge, "a manifest of more than 16 MiB").with_file(path));
  std::string text(static_cast<std::size_t>(size), '\0');
  STAVE_ASSIGN(const std::size_t read, file->read_at(0, std::as_writable_bytes(std::span(text))));
  text.resize(read);
  return text;
}

Result<std::string> find_manifest(FileSystem& files, const std::string& directory) {
  STAVE_ASSIGN(const auto names, files.list(directory));
  std::string found;
  for (const std::string& name : names) {
    if (!name.ends_with(".manifest")) continue;
    if (!found.empty())
      return fail(
          Error(ErrorCode::kInvalidArgument, "several manifests: " + found + " and " + name).with_file(directory));
    found = name;
  }
  if (found.empty())
    return fail(Error(ErrorCode::kNotFound, "no *.manifest, so this is no directory of append-only files")
                    .with_file(directory));
  return directory + "/" + found;
}

void add(Summary& total, const Summary& part) {
  total.entries += part.entries;
  total.skipped += part.skipped;
  total.bytes += part.bytes;
  total.commands += part.commands;
  total.truncated = part.truncated;
  if (raw(part.header.time) != 0) total.header.time = part.header.time;
}

}  // namespace

Result<std::vector<AofPart>> parse_manifest(std::string_view text, const std::string& name) {
  std::vector<AofPart> increments;
  std::optional<AofPart> base;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const auto offset = static_cast<std::int64_t>(at);
    const auto corrupt = [&](std::string message) {
      return fail(Error(ErrorCode::kCorrupt, std::move(message)).with_file(name, offset));
    };
    at = end + 1;
    if (line.empty() || line == "\r" || line[0] == '#') continue;
    const auto part = parse_part(line);
    if (!part) return corrupt("not a line of a manifest: file NAME seq N type b, i or h");
    if (part->role == AofPart::Role::kHistory) continue;
    if (part->role == AofPart::Role::kBase) {
      if (base) return corrupt("a second base file");
      base = part;
      continue;
    }
    if (!increments.empty() && increments.back().sequence >= part->sequence)
      return corrupt("the files are out of order");
    increments.push_back(*part);
  }
  if (base) increments.insert(increments.begin(), *base);
  return increments;
}

Result<Summary> read_aof_directory(FileSystem& files, const std::string& directory, Sink& sink, CallRef call,
                                   const Limits& limits) {
  STAVE_ASSIGN(const std::string manifest, find_manifest(files, directory));
  STAVE_ASSIGN(const std::string text, read_small_file(files, manifest));
  STAVE_ASSIGN(const auto parts, parse_manifest(text, manifest));
  Summary total{.format = Format::kAof};
  for (const AofPart& part : parts) {
    STAVE_ASSERT(is_plain(part.file) && part.role != AofPart::Role::kHistory);
    const std::string path = directory + "/" + part.file;
    STAVE_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
    FileInput input(*file);
    STAVE_ASSIGN(const Summary summary, read_aof(input, path, sink, call, limits, &part == &parts.back()));
    add(total, summary);
  }
  return total;
}

}  // namespace stave::exchange
