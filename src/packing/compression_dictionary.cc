#include "packing/compression_dictionary.h"

#include <zstd.h>

#include <new>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"

namespace stave::packing {

namespace {

constexpr std::string_view kMagic = "STAVEDCT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kHeaderSizeAt = 12;
constexpr std::size_t kIdAt = 16;
constexpr std::size_t kOrderAt = 20;
constexpr std::size_t kSizeAt = 24;
constexpr std::size_t kZeroAt = 28;
constexpr std::size_t kChecksumAt = 32;
constexpr std::size_t kHeaderBytes = 40;
static_assert(kMagic.size() == kVersionAt && kChecksumAt + sizeof(std::uint64_t) == kHeaderBytes);
constexpr std::string_view kSuffix = ".dict";

std::uint64_t checksum(std::string_view file) {
  const std::uint64_t header = base::xxh3(base::as_bytes(file.substr(0, kChecksumAt)), 0);
  return base::xxh3(base::as_bytes(file.substr(kHeaderBytes)), header);
}

std::unexpected<Error> refuse(ErrorCode code, std::string sentence, const std::string& path, std::size_t offset) {
  return fail(Error(code, std::move(sentence)).with_file(path, static_cast<std::int64_t>(offset)));
}

}  // namespace

// --- one dictionary ----------------------------------------------------------------------------------

Result<std::unique_ptr<const Dictionary>> Dictionary::make(std::uint32_t id, std::uint32_t order, std::string content) {
  std::unique_ptr<Dictionary> dictionary(new Dictionary(id, order, std::move(content)));
  dictionary->decoder_ = ZSTD_createDDict(dictionary->content_.data(), dictionary->content_.size());
  // zstd does not tell why; at these sizes it is hardly ever memory.
  if (dictionary->decoder_ == nullptr)
    return fail(ErrorCode::kCorrupt, "zstd does not take this for a dictionary, or there is no memory for it");
  return dictionary;
}

Dictionary::~Dictionary() {
  ZSTD_freeDDict(decoder_);
}

// --- its file ----------------------------------------------------------------------------------------

std::string encode_dictionary(std::uint32_t id, std::uint32_t order, std::string_view content) {
  STAVE_ASSERT(id != 0 && content.size() <= kDictionaryContentMax);
  std::string bytes(kHeaderBytes, '\0');
  kMagic.copy(bytes.data(), kMagic.size());
  base::store(bytes.data() + kVersionAt, kVersion);
  base::store(bytes.data() + kHeaderSizeAt, static_cast<std::uint32_t>(kHeaderBytes));
  base::store(bytes.data() + kIdAt, id);
  base::store(bytes.data() + kOrderAt, order);
  base::store(bytes.data() + kSizeAt, static_cast<std::uint32_t>(content.size()));
  bytes.append(content);
  base::store(bytes.data() + kChecksumAt, checksum(bytes));
  return bytes;
}

Result<std::unique_ptr<const Dictionary>> decode_dictionary(std::string_view bytes, const std::string& path) {
  if (bytes.size() < kHeaderBytes)
    return refuse(ErrorCode::kCorrupt, "the dictionary's file ends within its header", path, bytes.size());
  if (!bytes.starts_with(kMagic)) return refuse(ErrorCode::kCorrupt, "this is not a dictionary of a store", path, 0);
  const auto size = base::load<std::uint32_t>(bytes.data() + kSizeAt);
  if (bytes.size() != kHeaderBytes + std::size_t{size})
    return refuse(ErrorCode::kCorrupt, "the dictionary's file is shorter or longer than its header says", path,
                  kSizeAt);
  if (base::load<std::uint64_t>(bytes.data() + kChecksumAt) != checksum(bytes))
    return refuse(ErrorCode::kCorrupt, "the dictionary's checksum does not match", path, kChecksumAt);
  // Behind the checksum, which every version has there: a flipped bit is damage and not the future.
  const auto version = base::load<std::uint32_t>(bytes.data() + kVersionAt);
  if (version > kVersion)
    return refuse(ErrorCode::kUnsupported,
                  "the dictionary has format version " + std::to_string(version) + "; open it with a newer Stave", path,
                  kVersionAt);
  const auto id = base::load<std::uint32_t>(bytes.data() + kIdAt);
  if (version != kVersion || id == 0 || size > kDictionaryContentMax ||
      base::load<std::uint32_t>(bytes.data() + kHeaderSizeAt) != kHeaderBytes ||
      base::load<std::uint32_t>(bytes.data() + kZeroAt) != 0)
    return refuse(ErrorCode::kCorrupt, "the dictionary's header holds what no version writes", path, kVersionAt);
  auto dictionary =
      Dictionary::make(id, base::load<std::uint32_t>(bytes.data() + kOrderAt), std::string(bytes.substr(kHeaderBytes)));
  if (!dictionary) return fail(std::move(dictionary).error().with_file(path, kHeaderBytes));
  return dictionary;
}

Result<std::unique_ptr<const Dictionary>> read_dictionary(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  if (size > kHeaderBytes + kDictionaryContentMax)
    return refuse(ErrorCode::kCorrupt, "the file is too large for a dictionary", path, 0);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  STAVE_ASSIGN(const std::size_t count, file->read_at(0, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(count);
  STAVE_ASSIGN(auto dictionary, decode_dictionary(bytes, path));
  if (!path.ends_with("/" + dictionary_name(dictionary->id())))
    return refuse(ErrorCode::kCorrupt,
                  "the file holds dictionary " + dictionary_name(dictionary->id()) + ", not its own", path, kIdAt);
  return dictionary;
}

std::string dictionary_name(std::uint32_t id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  for (int shift = 28; shift >= 0; shift -= 4) name += kDigits[(id >> shift) & 15];
  return name.append(kSuffix);
}

bool is_dictionary_name(std::string_view name) {
  return name.size() == 8 + kSuffix.size() && name.ends_with(kSuffix) &&
         name.substr(0, 8).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// --- the shelf ---------------------------------------------------------------------------------------

DictionaryShelf::~DictionaryShelf() {
  for (std::size_t i = 0; i < size(); ++i) delete slots_[i];
}

bool DictionaryShelf::add(std::unique_ptr<const Dictionary> dictionary) {
  const std::size_t size = size_.load(std::memory_order_relaxed);
  STAVE_ASSERT(dictionary != nullptr && dictionary->decoder() != nullptr);
  if (size == slots_.size()) return false;
  slots_[size] = dictionary.release();
  size_.store(size + 1, std::memory_order_release);
  return true;
}

const Dictionary* DictionaryShelf::find(std::uint32_t id) const noexcept {
  for (std::size_t i = size(); i-- > 0;)
    if (slots_[i]->id() == id) return slots_[i];
  return nullptr;
}

const Dictionary* DictionaryShelf::newest() const noexcept {
  const Dictionary* newest = nullptr;
  for (std::size_t i = 0; i < size(); ++i)
    if (newest == nullptr || slots_[i]->order() > newest->order()) newest = slots_[i];
  return newest;
}

// --- packing -----------------------------------------------------------------------------------------

std::shared_ptr<const Encoder> Encoder::make(std::uint32_t id, std::string_view content, int level) {
  ZSTD_CDict* digested = ZSTD_createCDict(content.data(), content.size(), level);
  if (digested == nullptr) return nullptr;
  return std::shared_ptr<const Encoder>(new Encoder(id, level, digested));
}

Encoder::~Encoder() {
  ZSTD_freeCDict(digested_);
}

void EncoderSlot::set(std::shared_ptr<const Encoder> encoder) {
  {
    base::ShortLock lock(mutex_);
    now_.store(encoder.get(), std::memory_order_release);
    encoder_.swap(encoder);
  }
  // The old one is freed here, without the lock.
}

std::shared_ptr<const Encoder> EncoderSlot::get() const {
  base::ShortLock lock(mutex_);
  return encoder_;
}

}  // namespace stave::packing
