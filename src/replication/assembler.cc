#include "replication/assembler.h"

#include <string>

#include "base/try.h"

namespace stave::replication {

namespace {

constexpr std::uint64_t kBatchBytesMax = 0xffff'ffff;
constexpr std::size_t kBatchRecordsMax = 1u << 20;
constexpr std::size_t kFlagsAt = 5;
/// A buffer that was needed for a large batch is given back.
constexpr std::size_t kKeptBytes = 4u << 20;

std::unexpected<Error> damaged(std::uint64_t lsn) {
  return fail(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(lsn) +
                                       " that the leader sends fails its checks; `stave doctor` can examine the "
                                       "leader's directory");
}

}  // namespace

void Assembler::let_go() noexcept {
  if (taken_ == 0) return;
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
  front_ += taken_;
  taken_ = 0;
  if (bytes_.empty() && bytes_.capacity() > kKeptBytes) bytes_ = {};
}

Result<void> Assembler::add(Lsn from, std::uint64_t seed, std::span<const std::byte> bytes) {
  let_go();
  if (raw(from) != front_ + bytes_.size())
    return fail(ErrorCode::kConflict, "the leader sends its log from LSN " + std::to_string(raw(from)) +
                                          " on, and that from LSN " + std::to_string(front_ + bytes_.size()) +
                                          " on was to come");
  if (bytes_.empty()) {
    seed_ = seed;
  } else if (seed != seed_) {
    return fail(ErrorCode::kCorrupt, "a batch that the leader sends lies in two segments");
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<std::span<const log::RecordView>> Assembler::next() {
  std::size_t batch_end = 0;
  const std::size_t begin = taken_;
  while (batch_end == 0) {
    const auto rest = std::span<const std::byte>(bytes_).subspan(begin + stepped_);
    if (rest.size() < log::kRecordHeaderBytes) return std::span<const log::RecordView>{};
    const std::uint64_t lsn = front_ + begin + stepped_;
    const auto length = log::checked_length(rest, Lsn{lsn}, seed_);
    if (!length || *length < log::kRecordHeaderBytes || stepped_ + *length > kBatchBytesMax) return damaged(lsn);
    if (*length > rest.size()) return std::span<const log::RecordView>{};
    stepped_ += *length;
    if ((static_cast<std::uint8_t>(rest[kFlagsAt]) & log::kCommit) != 0) batch_end = begin + stepped_;
  }
  views_.clear();
  for (std::size_t at = begin; at < batch_end;) {
    const auto view = log::decode(std::span<const std::byte>(bytes_).subspan(at), Lsn{front_ + at}, seed_);
    if (!view) return damaged(front_ + at);
    if ((view->flags & static_cast<std::uint8_t>(~log::kKnownFlags)) != 0)
      return fail(ErrorCode::kUnsupported, "the record at LSN " + std::to_string(front_ + at) +
                                               " of the leader's log has a flag that this version does not know; use a "
                                               "newer Stave here");
    views_.push_back(*view);
    if (views_.size() > kBatchRecordsMax) return damaged(front_ + at);
    at += view->length;
  }
  taken_ = batch_end;
  stepped_ = 0;
  return std::span<const log::RecordView>(views_);
}

}  // namespace stave::replication
