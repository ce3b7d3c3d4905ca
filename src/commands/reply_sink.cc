#include "commands/reply_sink.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace stave::commands {

// Pointers in `open_` stay good: elements are only ever added to the innermost aggregate, whose ancestors' vectors
// do not grow meanwhile.
Reply& ReplySink::add(Reply::Kind kind) {
  Reply* slot = &root_;
  if (!open_.empty()) {
    Open& innermost = open_.back();
    STAVE_ASSERT(innermost.missing != 0);
    slot = &innermost.aggregate->elements.emplace_back();
    if (--innermost.missing == 0) open_.pop_back();
  } else {
    root_ = {};
    written_ = true;
  }
  slot->kind = kind;
  return *slot;
}

void ReplySink::open(Reply::Kind kind, std::size_t count) {
  constexpr std::size_t kReserveMax = 1024;
  Reply& aggregate = add(kind);
  if (count == 0) return;
  aggregate.elements.reserve(std::min(count, kReserveMax));
  open_.push_back({&aggregate, count});
}

void ReplySink::error(std::string_view text) {
  Reply& reply = add(Reply::Kind::kError);
  reply.text = text;
  std::replace_if(reply.text.begin(), reply.text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

void ReplySink::shared_bulk(const SharedBytes& bytes) {
  shared_.push_back(bytes);
  add(Reply::Kind::kBulk).integer = static_cast<std::int64_t>(shared_.size());
}

// As deep as a handler nests, which is a few levels.
void ReplySink::fill(Reply& reply) const {
  if (reply.kind == Reply::Kind::kBulk && reply.integer != 0) {
    const auto which = static_cast<std::size_t>(std::exchange(reply.integer, 0)) - 1;
    STAVE_ASSERT(which < shared_.size());
    reply.text = shared_[which].view();
  }
  for (Reply& element : reply.elements) fill(element);
}

Reply ReplySink::take() {
  if (!shared_.empty()) fill(root_);
  shared_.clear();
  return std::move(root_);
}

void ReplySink::verbatim(std::string_view format, std::string_view text) {
  Reply& reply = add(Reply::Kind::kVerbatim);
  reply.format = format;
  reply.text = text;
}

}  // namespace stave::commands
