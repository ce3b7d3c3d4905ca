#include "doors/http/protobuf.h"

#include <climits>
#include <cmath>
#include <limits>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <proto/stave.pb.h>
#include "base/assert.h"
#include "commands/type_names.h"
#include "doors/http/document.h"

namespace stave::http {

namespace {

using Kind = Operation::Kind;
using Message = v1::BatchOperation;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kBytes = "application/octet-stream";

/// Of one precondition; a header could not name many more.
constexpr int kConditionVersionsMax = 100;

Problem bad_message(std::string detail) {
  return {.status = 400, .code = "invalid_protobuf", .detail = std::move(detail), .retryable = false, .members = {}};
}

std::string_view content_type(bool json) noexcept {
  return json ? kJson : kBytes;
}

/// `"12", "15"`, as a list of entity tags is written.
template <class Versions>
std::string tag_list(const Versions& versions) {
  std::string list;
  for (const auto version : versions) {
    list += list.empty() ? "\"" : ", \"";
    list += std::to_string(version) + '"';
  }
  return list;
}

/// Counts the operations without making them: two bytes on the wire would become a hundred in memory. nullopt: the
/// bytes are no message.
std::optional<std::size_t> count_operations(std::string_view body) {
  using google::protobuf::io::CodedInputStream;
  constexpr std::uint32_t kOperations = v1::Batch::kOperationsFieldNumber << 3 | 2;
  STAVE_ASSERT(body.size() <= INT_MAX);
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(body.data()), static_cast<int>(body.size()));
  std::size_t count = 0;
  while (const std::uint32_t tag = in.ReadTag()) {
    count += tag == kOperations ? 1 : 0;
    std::uint64_t number = 0;
    std::uint32_t size = 0;
    bool well = false;
    switch (tag & 7) {
      case 0: well = in.ReadVarint64(&number); break;
      case 1: well = in.Skip(8); break;
      case 2: well = in.ReadVarint32(&size) && size <= body.size() && in.Skip(static_cast<int>(size)); break;
      case 5: well = in.Skip(4); break;
      default: break;
    }
    if (!well) return std::nullopt;
  }
  return in.ConsumedEntireMessage() ? std::optional(count) : std::nullopt;
}

std::optional<Problem> take_precondition(const v1::Precondition& message, Operation& operation) {
  if ((message.exists() && !message.versions().empty()) || (message.absent() && !message.other_than().empty()))
    return bad_message("a precondition names versions, or asks for any, not both");
  if (message.versions_size() > kConditionVersionsMax || message.other_than_size() > kConditionVersionsMax)
    return bad_message("a precondition may name " + std::to_string(kConditionVersionsMax) + " versions");
  auto parsed = Preconditions::parse(message.exists() ? "*" : tag_list(message.versions()),
                                     message.absent() ? "*" : tag_list(message.other_than()));
  if (!parsed) return bad_message("a precondition is not understood");
  operation.conditions = std::move(*parsed);
  return std::nullopt;
}

std::optional<Problem> take_expiry(const v1::Expiry& message, store::StoreClock& time, Operation& operation) {
  ExpiryWish& wish = operation.expiry;
  if (message.sliding() && message.when_case() != v1::Expiry::kTtlMs) return bad_message("sliding needs ttl_ms");
  const UnixMs now = time.now();
  switch (message.when_case()) {
    case v1::Expiry::kTtlMs:
      if (message.ttl_ms() <= 0 || message.ttl_ms() > std::numeric_limits<std::int64_t>::max() - raw(now))
        return bad_message("ttl_ms must be above zero, and end within time");
      wish.expiry.at = UnixMs{raw(now) + message.ttl_ms()};
      if (message.sliding()) wish.expiry.sliding_ms = message.ttl_ms();
      break;
    case v1::Expiry::kAtMs:
      if (message.at_ms() <= 0) return bad_message("at_ms must be above zero");
      wish.expiry.at = time.from_wall(UnixMs{message.at_ms()});
      break;
    case v1::Expiry::kKeep:
      if (!message.keep()) return bad_message("keep can only be true; leave it out instead");
      wish.keep = true;
      break;
    case v1::Expiry::WHEN_NOT_SET: return std::nullopt;
  }
  wish.given = true;
  return std::nullopt;
}

std::optional<Problem> take_set(Message::Set& message, Operation& operation) {
  operation.kind = Kind::kSet;
  operation.json = message.content_type() == kJson;
  if (!operation.json && !message.content_type().empty() && message.content_type() != kBytes)
    return bad_message("content_type must be application/json or application/octet-stream");
  operation.value = std::move(*message.mutable_value());
  if (!operation.json) return std::nullopt;
  auto document = parse_document(operation.value);
  return document ? std::nullopt : std::optional(std::move(document.error()));
}

std::optional<Problem> take_increment(const Message::Increment& message, Operation& operation) {
  operation.kind = Kind::kIncrement;
  operation.by = message.amount_case() == Message::Increment::kBy ? message.by() : 1;
  if (message.amount_case() != Message::Increment::kByFloat) return std::nullopt;
  if (!std::isfinite(message.by_float())) return bad_message("by_float must be a finite number");
  operation.kind = Kind::kIncrementFloat;
  operation.by_float = static_cast<long double>(message.by_float());
  return std::nullopt;
}

std::optional<Problem> take_action(Message& message, Operation& operation) {
  switch (message.action_case()) {
    case Message::kSet: return take_set(*message.mutable_set(), operation);
    case Message::kIncrement: return take_increment(message.increment(), operation);
    case Message::kAppend:
      operation.kind = Kind::kAppend;
      operation.value = std::move(*message.mutable_append()->mutable_value());
      return std::nullopt;
    case Message::kGet: operation.kind = Kind::kGet; return std::nullopt;
    case Message::kDelete: operation.kind = Kind::kDelete; return std::nullopt;
    case Message::kExpire: operation.kind = Kind::kExpire; return std::nullopt;
    case Message::kCheck: operation.kind = Kind::kCheck; return std::nullopt;
    case Message::ACTION_NOT_SET: break;
  }
  return bad_message("an operation names no action, or one that this version does not know");
}

std::expected<Operation, Problem> decode_operation(Message& message, store::StoreClock& time) {
  Operation operation;
  operation.key = std::move(*message.mutable_key());
  auto problem = take_action(message, operation);
  if (!problem) problem = take_expiry(message.expiry(), time, operation);
  if (!problem) problem = take_precondition(message.precondition(), operation);
  if (problem) return std::unexpected(std::move(*problem));
  return operation;
}

v1::BatchOperationResult::Status status_of(OperationResult::Status status) noexcept {
  switch (status) {
    case OperationResult::Status::kCreated: return v1::BatchOperationResult::STATUS_CREATED;
    case OperationResult::Status::kReplaced: return v1::BatchOperationResult::STATUS_REPLACED;
    case OperationResult::Status::kDeleted: return v1::BatchOperationResult::STATUS_DELETED;
    case OperationResult::Status::kFound: return v1::BatchOperationResult::STATUS_FOUND;
    case OperationResult::Status::kAbsent: return v1::BatchOperationResult::STATUS_ABSENT;
  }
  return v1::BatchOperationResult::STATUS_UNSPECIFIED;
}

}  // namespace

std::expected<std::vector<Operation>, Problem> decode_batch(std::string_view body, store::StoreClock& time,
                                                            std::size_t most) {
  v1::Batch batch;
  const auto count = body.size() <= INT_MAX ? count_operations(body) : std::nullopt;
  if (count.value_or(0) > most)
    return std::unexpected(bad_message("a batch may have " + std::to_string(most) + " operations"));
  if (!count || !batch.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return std::unexpected(bad_message("the body is not a stave.v1.Batch"));
  std::vector<Operation> operations;
  operations.reserve(static_cast<std::size_t>(batch.operations_size()));
  for (v1::BatchOperation& message : *batch.mutable_operations()) {
    auto operation = decode_operation(message, time);
    if (!operation) {
      operation.error().members += ",\"index\":" + std::to_string(operations.size());
      return std::unexpected(std::move(operation.error()));
    }
    operations.push_back(std::move(*operation));
  }
  return operations;
}

std::string encode_results(std::span<const Operation> operations, std::span<const OperationResult> results) {
  STAVE_ASSERT(operations.size() == results.size());
  v1::BatchResult message;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const OperationResult& result = results[i];
    v1::BatchOperationResult& row = *message.add_results();
    row.set_status(status_of(result.status));
    if (result.version != kNoLsn) row.set_version(raw(result.version));
    if (result.value) {
      row.set_value(std::string(result.value->view()));
      row.set_content_type(std::string(content_type(result.json)));
    }
    if (operations[i].kind == Kind::kAppend) row.set_length(result.length);
    if (!result.expiry.never()) row.set_expires_at_ms(raw(result.expiry.at));
  }
  return message.SerializeAsString();
}

std::string encode_listing(const Listing& listing) {
  v1::ListResponse message;
  for (const ListEntry& entry : listing.entries) {
    v1::Entry& row = *message.add_entries();
    row.set_key(entry.key);
    if (entry.value) row.set_value(std::string(entry.value->view()));
    row.set_type(std::string(commands::type_name(entry.type)));
    row.set_version(raw(entry.version));
    if (!entry.expiry.never()) row.set_expires_at_ms(raw(entry.expiry.at));
    row.set_content_type(std::string(content_type(entry.json)));
    row.set_size(entry.size);
  }
  if (listing.cursor != 0) message.set_cursor(std::to_string(listing.cursor));
  return message.SerializeAsString();
}

}  // namespace stave::http
