#include "commands/answer_tape.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/assert.h"
#include "base/bytes.h"

namespace stave::commands {

std::size_t AnswerTape::begin_answer() {
  begins_.push_back(tape_.size());
  return begins_.size() - 1;
}

std::string_view AnswerTape::error_line() const noexcept {
  STAVE_ASSERT(!begins_.empty());
  const std::string_view answer = std::string_view(tape_).substr(begins_.back());
  if (answer.size() < kHeadBytes || static_cast<Op>(answer[0]) != Op::kError) return {};
  return answer.substr(kHeadBytes, base::load<std::uint64_t>(answer.data() + 1));
}

void AnswerTape::rewind() noexcept {
  tape_.clear();
  begins_.clear();
  shared_.clear();
  shared_bytes_ = 0;
  full_ = false;
}

bool AnswerTape::room_for(std::size_t bytes) noexcept {
  const std::uint64_t wanted = tape_.size() + bytes;
  if (full_ || wanted + shared_bytes_ > bytes_max_) return false;
  if (wanted <= tape_.capacity()) return true;
  const std::uint64_t capacity = std::max<std::uint64_t>(wanted, 2 * tape_.capacity());
  if (capacity > kUncountedBytes && !counted_.resize(capacity)) return false;
  try {
    tape_.reserve(capacity);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void AnswerTape::add_word(Op op, std::uint64_t word) noexcept {
  if (!room_for(kHeadBytes)) {
    full_ = true;
    return;
  }
  tape_ += static_cast<char>(op);
  char bytes[sizeof word];
  base::store(bytes, word);
  tape_.append(bytes, sizeof bytes);
}

void AnswerTape::add_text(Op op, std::string_view text) noexcept {
  if (!room_for(kHeadBytes + text.size())) {
    full_ = true;
    return;
  }
  add_word(op, text.size());
  tape_.append(text);
}

void AnswerTape::shared_bulk(const SharedBytes& bytes) {
  if (full_ || tape_.size() + shared_bytes_ + bytes.size > bytes_max_) {
    full_ = true;
    return;
  }
  try {
    shared_.push_back(bytes);
  } catch (const std::bad_alloc&) {
    full_ = true;
    return;
  }
  shared_bytes_ += bytes.size;
  add_word(Op::kShared, shared_.size() - 1);
}

void AnswerTape::real(double value) {
  add_word(Op::kReal, std::bit_cast<std::uint64_t>(value));
}

void AnswerTape::verbatim(std::string_view format, std::string_view text) {
  add_text(Op::kVerbatim, format);
  add_text(Op::kBulk, text);
}

void AnswerTape::play(std::size_t answer, Sink& sink) const {
  STAVE_ASSERT(answer < begins_.size() && !full_);
  const std::size_t end = answer + 1 < begins_.size() ? begins_[answer + 1] : tape_.size();
  std::size_t at = begins_[answer];
  const auto next = [&](Op& op, std::uint64_t& word) {
    STAVE_ASSERT(at + kHeadBytes <= end);
    op = static_cast<Op>(tape_[at]);
    word = base::load<std::uint64_t>(tape_.data() + at + 1);
    at += kHeadBytes;
  };
  const auto text = [&](std::uint64_t size) {
    STAVE_ASSERT(size <= end - at);
    const std::string_view bytes(tape_.data() + at, size);
    at += size;
    return bytes;
  };
  while (at < end) {
    Op op{};
    std::uint64_t word = 0;
    next(op, word);
    switch (op) {
      case Op::kStatus: sink.status(text(word)); break;
      case Op::kError: sink.error(text(word)); break;
      case Op::kInteger: sink.integer(static_cast<std::int64_t>(word)); break;
      case Op::kBulk: sink.bulk(text(word)); break;
      case Op::kShared: sink.shared_bulk(shared_[word]); break;
      case Op::kNull: sink.null(); break;
      case Op::kNullArray: sink.null_array(); break;
      case Op::kArray: sink.array(word); break;
      case Op::kMap: sink.map(word); break;
      case Op::kSet: sink.set(word); break;
      case Op::kReal: sink.real(std::bit_cast<double>(word)); break;
      case Op::kBoolean: sink.boolean(word != 0); break;
      case Op::kBigNumber: sink.big_number(text(word)); break;
      case Op::kVerbatim: {
        const std::string_view format = text(word);
        next(op, word);
        STAVE_ASSERT(op == Op::kBulk);
        sink.verbatim(format, text(word));
        break;
      }
      case Op::kPush: sink.push(word); break;
    }
  }
}

}  // namespace stave::commands
