// Batches and pages as Protocol Buffers (proto/stave.proto): messages become the same structs that JSON becomes, and
// back.
//
// Promises: bytes that are no message, or one that says nothing sensible, are a Problem; what is taken passes the same
// checks as its spelling in JSON. Must not know: headers, routes, the store.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doors/http/listing.h"
#include "doors/http/operation.h"
#include "doors/http/response.h"

namespace stave::http {

/// The operations of a stave.v1.Batch, of which it may have `most`. Relative expiries count from `now`.
/// Cost: memory in proportion to `most` and to the body, whatever the body claims to hold.
std::expected<std::vector<Operation>, Problem> decode_batch(std::string_view body, store::StoreClock& time,
                                                            std::size_t most);
/// A stave.v1.BatchResult; `operations` are those that were run.
std::string encode_results(std::span<const Operation> operations, std::span<const OperationResult> results);
/// A stave.v1.ListResponse.
std::string encode_listing(const Listing& listing);

}  // namespace stave::http
