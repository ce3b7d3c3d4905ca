#include <limits>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "exchange/big_endian.h"
#include "exchange/binary.h"

namespace stave::exchange {

namespace {

constexpr std::uint64_t kCountOffset = 16;
static_assert(kCountOffset == kBinaryMagicBytes + sizeof(std::uint64_t));

class Binary1Writer final : public Writer {
 public:
  explicit Binary1Writer(ByteOutput& output) : output_(output) {}

  Result<void> begin(const Header& header) override {
    STAVE_ASSERT(count_ == 0);
    announced_ = header.count;
    if (announced_ && *announced_ > std::numeric_limits<std::uint32_t>::max()) return too_many();
    std::string bytes;
    append_big(bytes, kBinaryMagic);
    append_big(bytes, std::uint32_t{1});
    append_big(bytes, static_cast<std::uint64_t>(raw(header.time) / 1000));
    append_big(bytes, static_cast<std::uint32_t>(announced_.value_or(0)));
    STAVE_ASSERT(bytes.size() == kCountOffset + sizeof(std::uint32_t));
    return output_.write(base::as_bytes(bytes));
  }

  Result<void> take(const Item& item) override {
    if (item.kind != Kind::kString || item.database != 0 || !item.expiry.never())
      return fail(ErrorCode::kUnsupported,
                  "the simple binary form holds strings of database 0 without expiries only; use version 2");
    constexpr std::size_t kLengthMax = std::numeric_limits<std::uint32_t>::max();
    if (item.key.size() > kLengthMax || item.value.size() > kLengthMax)
      return fail(ErrorCode::kTooLarge, "the simple binary form holds keys and values below 4 GiB");
    if (count_ == std::numeric_limits<std::uint32_t>::max()) return too_many();
    ++count_;
    scratch_.clear();
    append_big(scratch_, static_cast<std::uint32_t>(item.key.size()));
    scratch_.append(item.key);
    append_big(scratch_, static_cast<std::uint32_t>(item.value.size()));
    STAVE_TRY(output_.write(base::as_bytes(scratch_)));
    return output_.write(base::as_bytes(item.value));
  }

  Result<void> finish() override {
    STAVE_ASSERT(count_ <= std::numeric_limits<std::uint32_t>::max());
    if (announced_ == count_) return {};
    std::string bytes;
    append_big(bytes, static_cast<std::uint32_t>(count_));
    return output_.patch(kCountOffset, base::as_bytes(bytes));
  }

 private:
  static std::unexpected<Error> too_many() {
    return fail(ErrorCode::kUnsupported, "the simple binary form holds fewer than 2^32 entries; use version 2");
  }

  ByteOutput& output_;
  std::optional<std::uint64_t> announced_;
  std::uint64_t count_ = 0;
  std::string scratch_;
};

/// A length and as many bytes; `what` is "key" or "value".
Result<std::string_view> take_sized(Source& source, std::size_t most, std::string_view what) {
  const std::uint64_t at = source.offset();
  STAVE_ASSIGN(const std::string_view head, source.take(4));
  const auto size = load_big<std::uint32_t>(head);
  if (size > most)
    return source.fail_at(
        at, ErrorCode::kTooLarge,
        "a " + std::string(what) + " of " + std::to_string(size) + " bytes; the limit is " + std::to_string(most));
  return source.take(size);
}

Result<Summary> read_binary1(Source& source, Sink& sink, const Limits& limits) {
  Summary summary{.format = Format::kBinary1};
  const std::uint64_t at = source.offset();
  STAVE_ASSIGN(const std::string_view head, source.take(12));
  const auto seconds = load_big<std::uint64_t>(head);
  summary.header.count = load_big<std::uint32_t>(head.substr(8));
  if (seconds > static_cast<std::uint64_t>(kUnixMsMax) / 1000)
    return source.corrupt(at, "the snapshot's time lies beyond all times");
  summary.header.time = UnixMs{static_cast<std::int64_t>(seconds) * 1000};
  std::string key;
  for (; summary.entries < *summary.header.count; ++summary.entries) {
    STAVE_ASSIGN(const std::string_view key_bytes, take_sized(source, limits.key_bytes_max, "key"));
    key.assign(key_bytes);
    STAVE_ASSIGN(const std::string_view value, take_sized(source, limits.value_bytes_max, "value"));
    STAVE_TRY(sink.take({.key = key, .value = value}));
  }
  return summary;
}

}  // namespace

std::unique_ptr<Writer> make_binary1_writer(ByteOutput& output) {
  return std::make_unique<Binary1Writer>(output);
}

Result<Summary> read_binary(Source& source, Sink& sink, const Limits& limits) {
  STAVE_ASSIGN(const std::string_view head, source.take(kBinaryMagicBytes));
  if (load_big<std::uint32_t>(head) != kBinaryMagic) return source.corrupt(0, "not a binary snapshot");
  const auto version = load_big<std::uint32_t>(head.substr(4));
  if (version != 1 && version != 2) {
    STAVE_TRY(check_unknown_header(source, head));
    return source.fail_at(4, ErrorCode::kUnsupported,
                          "a binary snapshot of version " + std::to_string(version) + "; this Stave knows 1 and 2");
  }
  STAVE_ASSIGN(Summary summary, version == 1 ? read_binary1(source, sink, limits) : read_binary2(source, sink, limits));
  summary.bytes = source.offset();
  STAVE_ASSIGN(const bool done, source.at_end());
  if (!done) return source.corrupt(source.offset(), "the snapshot goes on after its end");
  return summary;
}

}  // namespace stave::exchange
