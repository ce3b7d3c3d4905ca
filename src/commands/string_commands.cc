#include "commands/string_commands.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "commands/expiry_options.h"
#include "commands/kept_value.h"
#include "commands/string_value.h"
#include "commands/value_condition.h"
#include "store/answer_copy.h"
#include "store/collection.h"
#include "types/string/paged.h"

namespace stave::commands {

using store::KeyRef;
using store::Pending;
using store::Update;
using store::ValueType;
using store::ValueView;

namespace {

// Copying this much takes about as long as a thousand small commands: worth reading the clock for.
constexpr std::size_t kLargeBytes = 1u << 20;

/// Sets the key, or removes it when the expiry has passed already: nobody could ever read it.
Update put_or_erase(std::string_view value, const Expiry& expiry, UnixMs now) noexcept {
  if (expiry.passed(now)) return {.what = Update::What::kErase};
  return {.what = Update::What::kPut, .value = value, .expiry = expiry};
}

/// Sets a key without looking at what it holds.
Result<void> put(Call& call, KeyRef key, std::string_view value, const Expiry& expiry) {
  if (value.size() >= kLargeBytes) [[unlikely]]
    call.start_watch();
  STAVE_ASSIGN(const Pending pending, call.put(key, value, expiry));
  call.wait_for_write(pending);
  return {};
}

struct SetOptions {
  bool if_absent = false;
  bool if_present = false;
  bool get = false;
  ValueCondition value;
  ExpiryOptions expiry;

  [[nodiscard]] bool needs_value() const noexcept { return get || value.any(); }
  [[nodiscard]] bool conditional() const noexcept { return if_absent || if_present || value.any(); }
};

Result<SetOptions> parse_set(const Call& call) {
  SetOptions options;
  for (std::size_t i = 3; i < call.size();) {
    if (call.is(i, "NX") && !options.if_present && !options.value.any()) {
      options.if_absent = true;
      ++i;
    } else if (call.is(i, "XX") && !options.if_absent && !options.value.any()) {
      options.if_present = true;
      ++i;
    } else if (call.is(i, "GET")) {
      options.get = true;
      ++i;
    } else if (!options.conditional() && options.value.take(call, i)) {
      continue;
    } else if (call.is(i, "PERSIST") || !options.expiry.take(call, i)) {
      return syntax_error();
    }
  }
  return options;
}

Result<bool> condition_holds(const Call& call, const SetOptions& options, const ValueView* held) {
  STAVE_ASSERT((options.if_absent ? 1 : 0) + (options.if_present ? 1 : 0) + (options.value.any() ? 1 : 0) <= 1);
  if (options.if_absent) return held == nullptr;
  if (options.if_present) return held != nullptr;
  return options.value.any() ? options.value.holds(call, held) : true;
}

// SET with a condition, with GET or with KEEPTTL: what the key holds now must be looked at first.
Result<void> set_after_looking(Call& call, SetOptions options) {
  if (options.value.any() || call[2].size() >= kLargeBytes) [[unlikely]]
    call.start_watch();
  STAVE_TRY(options.value.prepare(call, call.key(1)));
  bool set = false;
  std::optional<KeptValue> old;
  const store::Access access = options.needs_value() ? store::Access::kPeek : store::Access::kMeta;
  const auto decide = [&](const ValueView* held, UnixMs now) -> Result<Update> {
    Expiry expiry;
    if (options.expiry.timed()) {
      STAVE_ASSIGN(expiry, options.expiry.resolve(call, now, "set"));
    }
    old.reset();
    if (options.get && held != nullptr) {
      STAVE_TRY(text_of(held));
      old.emplace(*held);
    }
    STAVE_ASSIGN(set, condition_holds(call, options, held));
    if (!set) return Update{};
    if (options.expiry.keep() && held != nullptr) expiry = store::own_expiry(*held);
    return put_or_erase(call[2], expiry, now);
  };
  if (const auto compared = options.value.compared_bytes(call); compared && !options.get) {
    STAVE_TRY(update_comparing(call, call.key(1), *compared, decide));
  } else {
    STAVE_TRY(call.update(call.key(1), access, decide));
  }
  if (options.get) {
    if (old) {
      old->answer(call.reply());
    } else {
      call.reply().null();
    }
  } else if (set) {
    call.reply().status("OK");
  } else {
    call.reply().null();
  }
  return {};
}

/// SETEX and PSETEX: key, time, value.
Result<void> set_expiring(Call& call, TimeForm form, std::string_view name) {
  STAVE_ASSIGN(const std::int64_t amount, integer_argument(call, 2));
  if (amount <= 0) return invalid_expire(name);
  STAVE_ASSIGN(const UnixMs at, moment(call, amount, form, call.now(), name));
  STAVE_TRY(put(call, call.key(1), call[3], Expiry{.at = at}));
  call.reply().status("OK");
  return {};
}

}  // namespace

Result<void> get_command(Call& call) {
  bool other_type = false;
  SharedBytes large;
  Sink& reply = call.reply();
  CallCounters& counters = call.session().counters();
  const Result<Pending> pending = call.read(call.key(1), call.session().read_access(), [&](const ValueView* value) {
    if (value == nullptr) {
      counters.count_miss();
      reply.null();
    } else if (value->type != ValueType::kString) [[unlikely]] {
      other_type = true;
    } else {
      if (value->value.size() >= kLargeBytes) [[unlikely]]
        call.start_watch();
      counters.count_hit();
      if (value->block != nullptr) [[unlikely]] {
        large = {.block = value->share(), .at = 0, .size = value->value.size()};
      } else {
        reply.bulk(value->value);
      }
    }
  });
  if (!pending) [[unlikely]]
    return fail(pending.error().clone());
  call.wait_for(*pending);
  if (other_type) [[unlikely]]
    return wrong_type();
  if (large.block) [[unlikely]]
    reply.shared_bulk(large);
  return {};
}

bool set_needs_value(Arguments arguments) noexcept {
  STAVE_ASSERT(arguments.size() >= 3);
  return std::any_of(arguments.begin() + 3, arguments.end(),
                     [](std::string_view word) { return same_word(word, "GET") || is_value_condition(word); });
}

Result<void> set_command(Call& call) {
  if (call.size() == 3) [[likely]] {
    STAVE_TRY(put(call, call.key(1), call[2], Expiry{}));
    call.reply().status("OK");
    return {};
  }
  STAVE_ASSIGN(const SetOptions options, parse_set(call));
  if (options.conditional() || options.get || options.expiry.keep()) return set_after_looking(call, options);
  const UnixMs now = call.now();
  STAVE_ASSIGN(const Expiry expiry, options.expiry.resolve(call, now, "set"));
  if (expiry.passed(now)) return set_after_looking(call, options);
  STAVE_TRY(put(call, call.key(1), call[2], expiry));
  call.reply().status("OK");
  return {};
}

Result<void> setex_command(Call& call) {
  return set_expiring(call, TimeForm::kSeconds, "setex");
}
Result<void> psetex_command(Call& call) {
  return set_expiring(call, TimeForm::kMilliseconds, "psetex");
}

Result<void> setnx_command(Call& call) {
  bool set = false;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    set = held == nullptr;
    return set ? Update{.what = Update::What::kPut, .value = call[2]} : Update{};
  };
  STAVE_TRY(call.update(call.key(1), store::Access::kMeta, decide));
  call.reply().integer(set ? 1 : 0);
  return {};
}

Result<void> getset_command(Call& call) {
  SetOptions options;
  options.get = true;
  return set_after_looking(call, options);
}

Result<void> getdel_command(Call& call) {
  std::optional<KeptValue> old;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    STAVE_TRY(text_of(held));
    old.reset();
    if (held == nullptr) return Update{};
    old.emplace(*held);
    return Update{.what = Update::What::kErase};
  };
  STAVE_TRY(call.update(call.key(1), store::Access::kPeek, decide));
  if (old) {
    old->answer(call.reply());
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> getex_command(Call& call) {
  ExpiryOptions options;
  for (std::size_t i = 2; i < call.size();)
    if (call.is(i, "KEEPTTL") || !options.take(call, i)) return syntax_error();
  if (!options.any()) return get_command(call);
  const KeyRef key = call.key(1);
  Part part(call.session(), key);
  const auto held = part.find(key, call.session().read_access());
  if (!held) {
    STAVE_TRY(call.commit(part));
    call.reply().null();
    return {};
  }
  STAVE_TRY(text_of(held));
  Expiry expiry;
  if (options.timed()) {
    STAVE_ASSIGN(expiry, options.resolve(call, part.now(), "getex"));
  }
  const KeptValue value(*held);
  if (expiry != held->expiry) STAVE_TRY(part.set_expiry(key, expiry));
  STAVE_TRY(call.commit(part));
  value.answer(call.reply());
  return {};
}

Result<void> strlen_command(Call& call) {
  std::int64_t length = 0;
  bool other_type = false;
  const store::Access access = without_value(call.session().read_access());
  STAVE_TRY(call.wait_for(call.read(call.key(1), access, [&](const ValueView* value) {
    if (value == nullptr) return;
    other_type = value->type != ValueType::kString;
    length = static_cast<std::int64_t>(value->size);
  })));
  if (other_type) return wrong_type();
  call.reply().integer(length);
  return {};
}

namespace {

std::uint64_t bytes_of_pages(const ValueView& root) noexcept {
  return root.here ? types::text::Paged::size_of(store::root_of(root.value)) : 0;
}

/// Answers with a part of argument 1's string, which was seen to lie in pages: `cut` says, of its root, from where on
/// how many bytes. Copied once, and sent from there.
template <class Cut>
Result<void> answer_from_pages(Call& call, store::Access access, Cut&& cut) {
  store::LoadedValue copy;
  {
    Part part(call.session(), call.key(1));
    const auto held = part.find(call.key(1), access);
    if (held && held->type != ValueType::kString) return wrong_type();
    // It was set whole in between: once more, from the beginning.
    if (held && !held->paged) {
      STAVE_TRY(call.commit(part));
      return getrange_command(call);
    }
    if (held) {
      const auto [at, size] = cut(*held);
      const std::string root(held->value);
      if (size != 0) STAVE_TRY(store::copy_of_string(part.transaction(), root, at, size, copy));
    }
    STAVE_TRY(call.commit(part));
    count_lookup(call, held.has_value());
  }
  if (copy.block) {
    const std::size_t size = copy.block.size();
    call.reply().shared_bulk({.block = std::move(copy.block), .at = 0, .size = size});
  } else {
    call.reply().bulk(copy.text);
  }
  return {};
}

}  // namespace

Result<void> getrange_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t start, integer_argument(call, 2));
  STAVE_ASSIGN(const std::int64_t end, integer_argument(call, 3));
  bool other_type = false;
  bool paged = false;
  KeptValue shown;
  /// From where on how many bytes of so many are asked for.
  const auto stretch = [&](std::uint64_t bytes) -> std::pair<std::size_t, std::size_t> {
    const auto size = static_cast<std::int64_t>(bytes);
    std::int64_t first = start < 0 ? std::max<std::int64_t>(start + size, 0) : start;
    std::int64_t last = end < 0 ? std::max<std::int64_t>(end + size, 0) : std::min(end, size - 1);
    // Two positions before the beginning in the wrong order are not "the first byte".
    if (size == 0 || (start < 0 && end < 0 && start > end) || first > last) return {0, 0};
    STAVE_ASSERT(first >= 0 && last < size);
    return {static_cast<std::size_t>(first), static_cast<std::size_t>(last - first + 1)};
  };
  const store::Access access = store::as_root(call.session().read_access());
  STAVE_TRY(call.wait_for(call.read(call.key(1), access, [&](const ValueView* value) {
    other_type = value != nullptr && value->type != ValueType::kString;
    paged = value != nullptr && !other_type && value->paged;
    if (value == nullptr || other_type || paged) return;
    if (const auto [at, size] = stretch(value->value.size()); size != 0) shown = KeptValue(*value, at, size);
  })));
  if (other_type) return wrong_type();
  if (!paged) {
    shown.answer(call.reply());
    return {};
  }
  const auto cut = [&](const ValueView& held) { return stretch(bytes_of_pages(held)); };
  return answer_from_pages(call, access, cut);
}

Result<void> append_command(Call& call) {
  const std::string_view more = call[2];
  std::uint64_t size = 0;
  const auto change = [&](OpenedString& string) -> Result<void> {
    size = string.reader().size() + more.size();
    if (string.existed() && more.empty()) return {};
    // Before anything is allocated.
    STAVE_TRY(call.engine().check_limits(call[1], size));
    string.editor_for(size).append(more);
    return {};
  };
  STAVE_TRY(change_string(call, 1, {.more = more.size()}, change));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

Result<void> setrange_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t given, integer_argument(call, 2));
  if (given < 0) return answer_error("ERR offset is out of range");
  const auto offset = static_cast<std::uint64_t>(given);
  const std::string_view bytes = call[3];
  // Neither number reaches 2^63, so the sum cannot wrap.
  const std::uint64_t end = bytes.empty() ? 0 : offset + bytes.size();
  std::uint64_t size = 0;
  const auto change = [&](OpenedString& string) -> Result<void> {
    const std::uint64_t before = string.reader().size();
    size = std::max(before, end);
    if (bytes.empty()) return {};
    // Before anything is allocated.
    STAVE_TRY(call.engine().check_limits(call[1], size));
    auto& editor = string.editor_for(size);
    if (offset > before) editor.extend(offset - before);
    // What lies over bytes that are there, then what is new.
    const auto over = static_cast<std::size_t>(offset < before ? std::min<std::uint64_t>(before - offset, bytes.size())
                                                               : std::uint64_t{0});
    if (over != 0) editor.write(offset, bytes.substr(0, over));
    if (over != bytes.size()) editor.append(bytes.substr(over));
    return {};
  };
  STAVE_TRY(change_string(call, 1, {.end = end}, change));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

}  // namespace stave::commands
