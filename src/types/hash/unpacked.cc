#include "types/hash/unpacked.h"

#include "base/assert.h"

namespace stave::types::hash {

const Unpacked::Field* Unpacked::find(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &fields_[at->second];
}

Unpacked::Field* Unpacked::find(std::string_view name) {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &fields_[at->second];
}

void Unpacked::add(std::string_view name, std::string_view value, UnixMs deadline) {
  fields_.push_back({.name = std::string(name), .value = std::string(value), .deadline = deadline});
  const bool added = index_.emplace(name, fields_.size() - 1).second;
  STAVE_ASSERT(added);
}

void Unpacked::remove(std::string_view name) {
  const auto at = index_.find(name);
  STAVE_ASSERT(at != index_.end());
  fields_[at->second].there = false;
  index_.erase(at);
}

}  // namespace stave::types::hash
