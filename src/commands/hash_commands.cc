#include "commands/hash_commands.h"

#include <cmath>
#include <optional>
#include <string>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/hash_arguments.h"
#include "commands/one_collection.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Hash;
using types::hash::Field;
using types::hash::kNever;
using HashReader = types::hash::Reader;

namespace {

/// Up to here a value is answered with where it was found: copying it would take as long.
constexpr std::size_t kAnsweredAtOnce = 4096;

/// What is told of each field.
enum class Parts : std::uint8_t { kNames, kValues, kBoth };

Result<void> answer_all(Call& call, Parts parts) {
  Copied<Hash> hash;
  STAVE_TRY(copy_out(call, 1, hash));
  Sink& reply = call.reply();
  const HashReader& fields = hash.or_empty();
  if (parts == Parts::kBoth) {
    reply.map(fields.size());
  } else {
    reply.array(fields.size());
  }
  fields.visit([&](const Field& field) {
    if (parts != Parts::kValues) reply.bulk(field.name);
    if (parts != Parts::kNames) reply.bulk(field.value);
    return true;
  });
  return {};
}

/// Sets the fields that the arguments from 2 on name, each before its value. `added`: how many were not there.
Result<void> set_fields(Call& call, std::string_view name, std::int64_t& added) {
  if (call.size() % 2 != 0) return wrong_number_of_arguments(name);
  STAVE_TRY(check_element_sizes(call, 2));
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    added = 0;
    for (std::size_t i = 2; i < call.size(); i += 2) added += hash.growing_editor().set(call[i], call[i + 1]) ? 1 : 0;
    return {};
  };
  return change_one<Hash>(call, 1, change);
}

}  // namespace

Result<void> hset_command(Call& call) {
  std::int64_t added = 0;
  STAVE_TRY(set_fields(call, "hset", added));
  call.reply().integer(added);
  return {};
}

Result<void> hmset_command(Call& call) {
  std::int64_t added = 0;
  STAVE_TRY(set_fields(call, "hmset", added));
  call.reply().status("OK");
  return {};
}

Result<void> hsetnx_command(Call& call) {
  STAVE_TRY(check_element_sizes(call, 2));
  bool set = false;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    set = !hash.reader().find(call[2]);
    if (set) hash.editor().set(call[2], call[3]);
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  call.reply().integer(set ? 1 : 0);
  return {};
}

Result<void> hget_command(Call& call) {
  std::optional<std::string> kept;
  bool answered = false;
  Sink& reply = call.reply();
  const auto keep = [&](const HashReader* hash) -> Result<void> {
    if (hash == nullptr) return {};  // gone since
    if (const auto value = hash->find(call[2])) kept.emplace(value->view());
    return {};
  };
  const auto show = [&](const HashReader* hash) -> Result<void> {
    const auto value = hash == nullptr ? std::nullopt : hash->find(call[2]);
    if (value && value->view().size() > kAnsweredAtOnce) {
      kept.emplace(value->view());
    } else if (value) {
      reply.bulk(value->view());
      answered = true;
    }
    return {};
  };
  STAVE_TRY(look_at_one<Hash>(call, 1, show, keep));
  if (answered) return {};
  if (kept) {
    reply.bulk(*kept);
  } else {
    reply.null();
  }
  return {};
}

Result<void> hmget_command(Call& call) {
  std::vector<std::optional<std::string>> values(call.size() - 2);
  const auto look = [&](const HashReader* hash) -> Result<void> {
    for (std::size_t i = 2; hash != nullptr && i < call.size(); ++i)
      if (const auto value = hash->find(call[i])) values[i - 2].emplace(value->view());
    return {};
  };
  STAVE_TRY(look_at_one<Hash>(call, 1, look));
  Sink& reply = call.reply();
  reply.array(values.size());
  for (const auto& value : values) {
    if (value) {
      reply.bulk(*value);
    } else {
      reply.null();
    }
  }
  return {};
}

Result<void> hgetall_command(Call& call) {
  return answer_all(call, Parts::kBoth);
}
Result<void> hkeys_command(Call& call) {
  return answer_all(call, Parts::kNames);
}
Result<void> hvals_command(Call& call) {
  return answer_all(call, Parts::kValues);
}

Result<void> hlen_command(Call& call) {
  std::uint64_t size = 0;
  const auto show = [&](const HashReader* hash) -> Result<void> {
    if (hash != nullptr) size = hash->size();
    return {};
  };
  STAVE_TRY(look_at_one<Hash>(call, 1, show));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

Result<void> hexists_command(Call& call) {
  bool exists = false;
  const auto show = [&](const HashReader* hash) -> Result<void> {
    exists = hash != nullptr && hash->find(call[2]);
    return {};
  };
  STAVE_TRY(look_at_one<Hash>(call, 1, show));
  call.reply().integer(exists ? 1 : 0);
  return {};
}

Result<void> hstrlen_command(Call& call) {
  std::size_t length = 0;
  const auto show = [&](const HashReader* hash) -> Result<void> {
    if (hash == nullptr) return {};
    if (const auto value = hash->find(call[2])) length = value->view().size();
    return {};
  };
  STAVE_TRY(look_at_one<Hash>(call, 1, show));
  call.reply().integer(static_cast<std::int64_t>(length));
  return {};
}

Result<void> hdel_command(Call& call) {
  std::int64_t removed = 0;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    removed = 0;
    for (std::size_t i = 2; i < call.size() && hash.reader().size() != 0; ++i)
      removed += hash.editor().remove(call[i]) ? 1 : 0;
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  call.reply().integer(removed);
  return {};
}

Result<void> hincrby_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t by, integer_argument(call, 3));
  STAVE_TRY(check_element_sizes(call, 2));
  std::int64_t result = 0;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    std::int64_t old = 0;
    if (const auto value = hash.reader().find(call[2])) {
      const auto number = value->number() ? value->number() : types::parse_integer(value->view());
      if (!number) return answer_error("ERR hash value is not an integer");
      old = *number;
    }
    const auto sum = types::checked_add(old, by);
    if (!sum) return answer_error("ERR increment or decrement would overflow");
    result = *sum;
    hash.editor().set(call[2], types::Digits(result).view(), hash.reader().deadline(call[2]).value_or(kNever));
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  call.reply().integer(result);
  return {};
}

Result<void> hincrbyfloat_command(Call& call) {
  const auto by = types::parse_float(call[3]);
  if (!by) return not_a_float();
  if (!std::isfinite(*by)) return answer_error("ERR value is NaN or Infinity");
  STAVE_TRY(check_element_sizes(call, 2));
  std::string result;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    long double sum = *by;
    if (const auto value = hash.reader().find(call[2])) {
      const auto number = types::parse_float(value->view());
      if (!number) return answer_error("ERR hash value is not a float");
      sum += *number;
    }
    if (!std::isfinite(sum)) return answer_error("ERR increment would produce NaN or Infinity");
    result = types::format_float(sum);
    hash.editor().set(call[2], result, hash.reader().deadline(call[2]).value_or(kNever));
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  call.reply().bulk(result);
  return {};
}

}  // namespace stave::commands
