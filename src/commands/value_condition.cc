#include "commands/value_condition.h"

#include <array>

#include "base/assert.h"
#include "base/hash.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/kept_value.h"
#include "store/pages.h"
#include "types/string/paged.h"

namespace stave::commands {

namespace {

constexpr std::size_t kDigestDigits = 16;

struct Word {
  std::string_view name;
  bool equal;
  bool digest;
};
constexpr std::array kConditionWords = {Word{"IFEQ", true, false}, Word{"IFNE", false, false},
                                        Word{"IFDEQ", true, true}, Word{"IFDNE", false, true}};

const Word* find_word(std::string_view text) noexcept {
  for (const Word& word : kConditionWords)
    if (same_word(word.name, text)) return &word;
  return nullptr;
}

}  // namespace

std::uint64_t digest_of(std::string_view value) noexcept {
  return base::xxh3(base::as_bytes(value), 0);
}

std::string spell_digest(std::uint64_t digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kDigestDigits, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, digest >>= 4) *at = kDigits[digest & 0xf];
  return text;
}

bool is_value_condition(std::string_view word) noexcept {
  return find_word(word) != nullptr;
}

bool ValueCondition::take(const Call& call, std::size_t& i) {
  const Word* const word = any() || i + 1 >= call.size() ? nullptr : find_word(call[i]);
  if (word == nullptr) return false;
  operand_ = i + 1;
  equal_ = word->equal;
  digest_ = word->digest;
  i += 2;
  return true;
}

std::optional<std::size_t> ValueCondition::compared_bytes(const Call& call) const noexcept {
  return any() && !digest_ ? std::optional(call[operand_].size()) : std::nullopt;
}

Result<void> ValueCondition::prepare(Call& call, store::KeyRef key) {
  if (!digest_) return {};
  KeptValue large;
  Lsn version = kNoLsn;
  const auto look = [&](const store::ValueView* held) {
    if (held == nullptr || held->type != store::ValueType::kString || held->block == nullptr) return;
    large = KeptValue(*held);
    version = held->version;
  };
  STAVE_TRY(call.wait_for(call.read(key, store::Access::kPeek, look)));
  if (version == kNoLsn) return {};
  known_ = digest_of(large.view());
  digested_ = version;
  return {};
}

Result<bool> ValueCondition::holds(const Call& call, const store::ValueView* held) const {
  STAVE_ASSERT(any());
  if (held == nullptr) return !equal_;
  STAVE_ASSIGN(const std::string_view value, text_of(held));
  const std::string_view operand = call[operand_];
  if (!digest_) return (held->here && value == operand) == equal_;
  if (operand.size() != kDigestDigits) return answer_error("ERR must be exactly 16 hexadecimal characters");
  const std::uint64_t digest = held->version == digested_ && digested_ != kNoLsn ? known_ : digest_of(value);
  return same_word(spell_digest(digest), operand) == equal_;
}

Result<void> update_comparing(Call& call, store::KeyRef key, std::size_t bytes, store::Engine::DecideFn decide) {
  bool whole = false;
  const auto by_length = [&](const store::ValueView* held, UnixMs now) -> Result<store::Update> {
    whole = false;
    if (held == nullptr || held->type != store::ValueType::kString || !held->paged || !held->here)
      return decide(held, now);
    store::ValueView seen = *held;
    seen.size = types::text::Paged::size_of(store::root_of(held->value));
    seen.value = {};
    seen.paged = seen.here = false;
    whole = seen.size == bytes;
    return whole ? Result<store::Update>(store::Update{}) : decide(&seen, now);
  };
  STAVE_TRY(call.update(key, store::Access::kPeekRoot, by_length));
  if (whole) return call.update(key, store::Access::kPeek, decide);
  return {};
}

}  // namespace stave::commands
