// The menu of handlers: one for each row of the route table, by file.
#pragma once

#include "doors/http/routes.h"

namespace stave::http {

// key_handlers.cc, patch_handlers.cc
Response get_key(Exchange& exchange);
Response put_key(Exchange& exchange);
Response delete_key(Exchange& exchange);
Response patch_key(Exchange& exchange);

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

// platform_handlers.cc
Response health(Exchange& exchange);
Response readiness(Exchange& exchange);
Response version(Exchange& exchange);
Response metrics(Exchange& exchange);
Response openapi(Exchange& exchange);
Response documentation(Exchange& exchange);

}  // namespace stave::http
