// What a term record says: the reign of which leader begins there.
//
// A term is the reign of one leader over a log that several machines have (docs/replication.md). Its number comes from
// outside and only ever grows; two leaders that take the same one are told apart by their ids. Must not know: who
// leads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "log/record.h"

namespace stave::log {

/// One machine's copy of a store: random, drawn when it first takes part.
using NodeId = std::array<std::byte, 16>;

/// The payload of a kTerm record: u64 number, 16 bytes id.
class TermPayload {
 public:
  static constexpr std::size_t kBytes = 24;

  TermPayload(std::uint64_t number, const NodeId& leader) noexcept {
    base::store(bytes_.data(), number);
    std::memcpy(bytes_.data() + sizeof number, leader.data(), leader.size());
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::array<std::byte, kBytes> bytes_{};
};

struct TermBegin {
  std::uint64_t number = 0;
  NodeId leader{};
};
/// nullopt: it says nothing (shorter, or of number 0). What a later version adds behind is passed over.
inline std::optional<TermBegin> term_of(const RecordView& record) noexcept {
  if (record.kind != RecordKind::kTerm || record.payload.size() < TermPayload::kBytes) return std::nullopt;
  const auto* const bytes = reinterpret_cast<const std::byte*>(record.payload.data());
  TermBegin begin{.number = base::load<std::uint64_t>(bytes), .leader = {}};
  std::memcpy(begin.leader.data(), bytes + sizeof begin.number, begin.leader.size());
  if (begin.number == 0) return std::nullopt;
  return begin;
}

}  // namespace stave::log
