// What the rows of the route table that are about streams say of their parameters and answers.
#pragma once

#include "doors/http/response.h"
#include "doors/http/routes.h"

namespace stave::http {

inline constexpr Param kChangesParams[] = {
    {"since", ParamIn::kQuery, "string", false,
     "An LSN: everything up to it is known. Or `oldest`, or `now`, which it is when left out."},
    {"Last-Event-ID", ParamIn::kHeader, "integer", false, "The same; it counts more. Browsers send it by themselves."},
    {"consumer", ParamIn::kQuery, "string", false, "Begin where this consumer is (STAVE.CONSUMER)."},
    {"db", ParamIn::kQuery, "integer", false, "Only of this database; of all when left out."},
    {"prefix", ParamIn::kQuery, "string", false, "Only keys that begin so."},
    {"match", ParamIn::kQuery, "string", false, "Only keys that match this pattern (`*`, `?`, `[a-c]`)."},
    {"type", ParamIn::kQuery, "string", false, "Only values of this type, as TYPE names it; deletions have none."},
    {"values", ParamIn::kQuery, "boolean", false, "Show what keys were given."},
    {"limit", ParamIn::kQuery, "integer", false, "End after so many; never when left out."},
    {"follow", ParamIn::kQuery, "boolean", false, "`false`: end with what there is now."}};
inline constexpr Param kSubscribeParams[] = {
    {"channel", ParamIn::kQuery, "string", false, "Messages of this channel."},
    {"pattern", ParamIn::kQuery, "string", false, "Messages of channels that match this pattern (`*`, `?`, `[a-c]`)."}};
inline constexpr Param kPublishParams[] = {
    {"channel", ParamIn::kPath, "string", true, "The channel, percent-encoded; any bytes."}};
inline constexpr BodyKind kPublishBodies[] = {{kBytesType, ""}};

inline constexpr Outcome kStreamBad{400, "The request is not understood.", kProblemType, "Problem"};
inline constexpr Outcome kChangesOutcomes[] = {
    {200, "Changes in their order, as they come: server-sent events whose id is the LSN.", kEventsType, ""},
    {200, "The same, a line for each, when Accept asks for it.", kLinesType, ""},
    kStreamBad,
    {404, "There is no such consumer.", kProblemType, "Problem"},
    {409, "The position is beyond the end of the log.", kProblemType, "Problem"},
    {410, "The log does not reach back so far; `oldest` is the position to begin at.", kProblemType, "Problem"}};
inline constexpr Outcome kSubscribeOutcomes[] = {{200, "Messages, as they come: server-sent events.", kEventsType, ""},
                                                 kStreamBad};
inline constexpr Outcome kPublishOutcomes[] = {{200, "How many heard it.", kJsonType, "Published"},
                                               kStreamBad,
                                               {413, "The body is over a limit.", kProblemType, "Problem"},
                                               {507, "There is no memory for the message.", kProblemType, "Problem"}};

}  // namespace stave::http
