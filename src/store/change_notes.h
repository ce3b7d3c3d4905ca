// What was done to keys, for who tells others of it.
//
// While somebody notes (`ChangeWatch::begin_noting`), every transaction writes down its changes one by one, and hands
// them over once they are logged and before anybody can see them; what leaves by itself (expired, evicted) is told of
// at the same instant of its life. So of one key all is told in the order in which it happened. Must not know: who is
// told, commands.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "store/value.h"

namespace stave::store {

struct Pending;

/// One change of one key.
struct KeyChange {
  enum class What : std::uint8_t {
    kPut,
    kErased,
    kExpiry,   ///< Another expiry, or none.
    kExpired,  ///< It had died, unnoticed, before what follows.
  };
  KeyRef key;  ///< Its bytes live as long as the transaction.
  What what = What::kPut;
  bool existed = false;
  ValueType type = ValueType::kString;  ///< What it holds now; of what is gone, what it held.
  Expiry before = {};
  Expiry after = {};
};

/// The changes of one transaction, in order.
class ChangeNotes {
 public:
  ChangeNotes() = default;
  virtual ~ChangeNotes() = default;
  ChangeNotes(const ChangeNotes&) = delete;
  ChangeNotes& operator=(const ChangeNotes&) = delete;
  /// False: there is no memory for it.
  [[nodiscard]] virtual bool note(const KeyChange& change) noexcept = 0;
  /// All of it was undone.
  virtual void forget() noexcept = 0;
  /// All of it was logged, and telling it waits for `pending`. The shards are still locked.
  virtual void logged(const Pending& pending) noexcept = 0;
};

class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  /// For one transaction. Throws std::bad_alloc.
  virtual std::unique_ptr<ChangeNotes> notes() = 0;
  /// A key has left by itself, which is logged up to `end`; `evicted`: before its time. Its shard is locked.
  virtual void left(KeyRef key, bool evicted, Lsn end) noexcept = 0;
  /// After some have; no shard is held.
  virtual void after_leaving() noexcept = 0;
};

}  // namespace stave::store
