// The menu of handlers: one for each row of the route table, by file.
#pragma once

#include "doors/http/routes.h"

namespace stave::http {

// key_handlers.cc, patch_handlers.cc
Response get_key(Exchange& exchange);
Response put_key(Exchange& exchange);
Response delete_key(Exchange& exchange);
Response patch_key(Exchange& exchange);

// history_handlers.cc
Response list_versions(Exchange& exchange);
/// GET of a key with `at` or `at_lsn`.
Response get_past(Exchange& exchange);

// field_handlers.cc, item_handlers.cc, member_handlers.cc, score_handlers.cc
Response list_fields(Exchange& exchange);
Response patch_fields(Exchange& exchange);
Response get_field(Exchange& exchange);
Response put_field(Exchange& exchange);
Response delete_field(Exchange& exchange);
Response list_items(Exchange& exchange);
Response push_items(Exchange& exchange);
Response pop_items(Exchange& exchange);
Response get_item(Exchange& exchange);
Response put_item(Exchange& exchange);
Response list_members(Exchange& exchange);
Response patch_members(Exchange& exchange);
Response get_member(Exchange& exchange);
Response put_member(Exchange& exchange);
Response delete_member(Exchange& exchange);
Response list_scores(Exchange& exchange);
Response patch_scores(Exchange& exchange);
Response get_score(Exchange& exchange);
Response put_score(Exchange& exchange);
Response delete_score(Exchange& exchange);

// list_handlers.cc
Response list_keys(Exchange& exchange);
Response delete_keys(Exchange& exchange);

// batch_handlers.cc
Response run_batch(Exchange& exchange);

// short_handlers.cc
Response short_get(Exchange& exchange);
Response short_set(Exchange& exchange);
Response short_delete(Exchange& exchange);
Response short_keys(Exchange& exchange);

// command_handlers.cc
Response run_command(Exchange& exchange);
Response run_pipeline(Exchange& exchange);
Response run_transaction(Exchange& exchange);

// change_handlers.cc
Response stream_changes(Exchange& exchange);

// message_handlers.cc
Response stream_messages(Exchange& exchange);
Response publish_message(Exchange& exchange);

// platform_handlers.cc
Response health(Exchange& exchange);
Response readiness(Exchange& exchange);
Response version(Exchange& exchange);
Response metrics(Exchange& exchange);
Response openapi(Exchange& exchange);
Response documentation(Exchange& exchange);
Response start(Exchange& exchange);

}  // namespace stave::http
