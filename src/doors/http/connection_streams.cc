// Answers that go on: a connection asks its stream for more when what it gave has nearly gone, and ends with it.
#include <array>
#include <charconv>
#include <new>

#include "commands/channels.h"
#include "doors/http/connection.h"

namespace stave::http {

namespace {
/// A stream is not asked for more while so much of it waits to be sent.
constexpr std::uint64_t kStreamedBytesMax = 256 * 1024;
/// Who takes messages so slowly that so much of them waits is let go.
constexpr std::uint64_t kHeardBytesMax = 8u << 20;
}  // namespace

void Connection::begin_stream(std::unique_ptr<Stream> stream) {
  stream_ = std::move(stream);
  // The head is not the end.
  items_.back().close = false;
  enter(Phase::kStreaming);
  if (last_ || !stream_->begin(host_.post())) return end_stream();
  draw_on_stream();
}

void Connection::hear(const commands::Message& message, const std::string* pattern) {
  if (dead_ || !stream_) return;
  std::string piece;
  stream_->hear(piece, message, pattern);
  if (piece.empty()) return;
  enqueue_piece(piece, message.pending);
  // Messages do not wait for those who take them slowly.
  if (queued_bytes_ > kHeardBytesMax) return abandon();
  pump();
}

void Connection::look_at_rights() {
  look_wanted_.store(true, std::memory_order_relaxed);
  host_.close_wanted();
}

void Connection::draw_on_stream() {
  if (stream_ && !parked_ && !dead_ && queued_bytes_ < kStreamedBytesMax) host_.work(*this);
}

void Connection::step_stream() {
  if (parked_ || queued_bytes_ >= kStreamedBytesMax) return;
  std::string piece;
  Prelude first;
  Stream::Next next = Stream::Next::kEnd;
  try {
    next = stream_->step(piece, first);
  } catch (const std::bad_alloc&) {
    return abandon();
  }
  if (!piece.empty()) enqueue_piece(piece);
  if (dead_) return;
  if (next == Stream::Next::kEnd) return end_stream();
  if (next == Stream::Next::kWait) return park(first);
  draw_on_stream();
}

void Connection::enqueue_piece(std::string_view piece, const store::Pending& pending) {
  Item& item = items_.emplace_back();
  item.pending = pending;
  if (in_chunks_) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
    item.bytes.append(digits.data(), end).append("\r\n");
  }
  item.bytes.append(piece);
  if (in_chunks_) item.bytes.append("\r\n");
  queued_bytes_ += item.bytes.size();
  if (!reckon(queued_, queued_bytes_)) abandon();
}

void Connection::end_stream() {
  stream_.reset();
  parked_.reset();
  Item& item = items_.emplace_back();
  if (in_chunks_) item.bytes = "0\r\n\r\n";
  item.close = true;
  queued_bytes_ += item.bytes.size();
  enter(Phase::kIdle);
}

}  // namespace stave::http
