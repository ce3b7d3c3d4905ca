#include "doors/http/routes.h"

#include <array>

#include "doors/http/handlers.h"
#include "doors/http/stream_routes.h"

namespace stave::http {
namespace {

constexpr Param kKey{"key", ParamIn::kPath, "string", true,
                     "The key, percent-encoded; any bytes. A slash may stand as it is."};
constexpr Param kIfMatch{"If-Match", ParamIn::kHeader, "string", false,
                         "Go on only if the key is there (`*`) or has one of these versions."};
constexpr Param kIfNoneMatch{"If-None-Match", ParamIn::kHeader, "string", false,
                             "Go on only if the key is absent (`*`) or has none of these versions."};
constexpr Param kTtl{"ttl", ParamIn::kQuery, "string", false,
                     "Time to live: `500ms`, `60s`, `5m`, `1h`, `7d`; a bare number is seconds."};
constexpr Param kExpiresAt{
    "expires_at", ParamIn::kQuery, "string", false,
    "When the key dies: Unix time in seconds (`1700000000`, `1700000000.250`) or `2030-01-02T03:04:05Z`."};
constexpr Param kSliding{"sliding", ParamIn::kQuery, "boolean", false,
                         "With `ttl`: every access grants the time anew."};
constexpr Param kKeepTtl{"keep_ttl", ParamIn::kQuery, "boolean", false, "Leave the key's expiry as it is."};
constexpr Param kPrefix{"prefix", ParamIn::kQuery, "string", false, "Only keys that begin so."};
constexpr Param kMatch{"match", ParamIn::kQuery, "string", false,
                       "Only keys that match this pattern (`*`, `?`, `[a-c]`)."};
constexpr Param kPattern{"pattern", ParamIn::kQuery, "string", false, "Another name of `match`."};
constexpr Param kLimit{"limit", ParamIn::kQuery, "integer", false,
                       "About how many keys a page holds, 1 to 10000; a page may hold a few more."};
constexpr Param kCursor{"cursor", ParamIn::kQuery, "string", false, "The cursor of the page before."};

// Taken by every route with kDatabase; the second only when it changes something.
constexpr Param kSharedParams[] = {
    {"db", ParamIn::kQuery, "integer", false, "Number of the database; 0 when left out."},
    {"durability", ParamIn::kQuery, "string", false,
     "When the write counts as done: `always` (on disk), `interval`, `os`, or `replicas:1` (on the disks of so many "
     "followers, too); the server's policy when left out."},
};

constexpr Param kElementsLimit{"limit", ParamIn::kQuery, "integer", false,
                               "About how many elements a page holds, 1 to 10000; 100 when left out."};
constexpr Param kField{"field", ParamIn::kPath, "string", true,
                       "The field, percent-encoded; any bytes. A slash may stand as it is."};
constexpr Param kMember{"member", ParamIn::kPath, "string", true,
                        "The member, percent-encoded; any bytes. A slash may stand as it is."};
constexpr Param kIndex{"index", ParamIn::kPath, "integer", true,
                       "The place in the list, from 0; negative ones count from the end."};
constexpr Param kOrder{"order", ParamIn::kQuery, "string", false, "`asc` (when left out) or `desc`."};

constexpr Param kGetParams[] = {
    kKey,
    kIfMatch,
    kIfNoneMatch,
    {"Range", ParamIn::kHeader, "string", false, "One range of bytes: `bytes=0-99`, `bytes=100-`, `bytes=-100`."},
    {"If-Range", ParamIn::kHeader, "string", false, "Heed Range only if the key has this version."},
    {"format", ParamIn::kQuery, "string", false, "`json`: answer as application/json, 409 when the value is not JSON."},
    {"limit", ParamIn::kQuery, "integer", false,
     "Of a collection: about how many elements to answer with, 1 to 10000; all when left out."},
    {"cursor", ParamIn::kQuery, "string", false, "Of a collection: the `Stave-Cursor` of the page before."},
    {"at", ParamIn::kQuery, "string", false,
     "What the key held then: Unix time in seconds (`1700000000.250`) or `2026-11-21T14:05:00Z`. Preconditions, ranges "
     "and pages are about what is there now and do not count."},
    {"at_lsn", ParamIn::kQuery, "integer", false,
     "What the key held when the record at that LSN had just been written: a version of `/db/{key}/history`."}};
constexpr Param kVersionsParams[] = {
    kKey, {"limit", ParamIn::kQuery, "integer", false, "At most how many versions, 1 to 10000; 100 when left out."}};
constexpr Param kPutParams[] = {kKey, kIfMatch, kIfNoneMatch, kTtl, kExpiresAt, kSliding, kKeepTtl};
constexpr Param kDeleteParams[] = {kKey, kIfMatch, kIfNoneMatch};
constexpr Param kPatchParams[] = {kKey, kIfMatch, kIfNoneMatch, kTtl, kExpiresAt, kSliding};
constexpr Param kPageParams[] = {kKey, kIfMatch, kIfNoneMatch, kElementsLimit, kCursor};
constexpr Param kElementsParams[] = {kKey, kIfMatch, kIfNoneMatch, kTtl, kExpiresAt, kSliding};
constexpr Param kGetFieldParams[] = {kKey, kField, kIfMatch, kIfNoneMatch};
constexpr Param kPutFieldParams[] = {kKey, kField, kIfMatch, kIfNoneMatch, kTtl, kExpiresAt, kSliding};
constexpr Param kItemsParams[] = {
    kKey,
    kIfMatch,
    kIfNoneMatch,
    {"offset", ParamIn::kQuery, "integer", false,
     "The place to begin at, from 0, which it is when left out; a negative one counts from the end."},
    kElementsLimit};
constexpr Param kPushParams[] = {
    kKey, kIfMatch,   kIfNoneMatch, {"side", ParamIn::kQuery, "string", false, "`back` (when left out) or `front`."},
    kTtl, kExpiresAt, kSliding};
constexpr Param kPopParams[] = {
    kKey,
    kIfMatch,
    kIfNoneMatch,
    {"side", ParamIn::kQuery, "string", false, "`front` (when left out) or `back`."},
    {"count", ParamIn::kQuery, "integer", false, "How many at most, 1 to 10000; 1 when left out."}};
constexpr Param kGetItemParams[] = {kKey, kIndex, kIfMatch, kIfNoneMatch};
constexpr Param kPutItemParams[] = {kKey, kIndex, kIfMatch, kIfNoneMatch, kTtl, kExpiresAt, kSliding};
constexpr Param kGetMemberParams[] = {kKey, kMember, kIfMatch, kIfNoneMatch};
constexpr Param kPutMemberParams[] = {kKey, kMember, kIfMatch, kIfNoneMatch, kTtl, kExpiresAt, kSliding};
constexpr Param kGetScoreParams[] = {kKey, kMember, kIfMatch, kIfNoneMatch, kOrder};
constexpr Param kScoresParams[] = {
    kKey,
    kIfMatch,
    kIfNoneMatch,
    {"min", ParamIn::kQuery, "string", false,
     "Only members with this score or a greater one; `(1.5`: only a greater one. `-inf` when left out."},
    {"max", ParamIn::kQuery, "string", false,
     "Only members with this score or a smaller one; `(1.5`: only a smaller one. `inf` when left out."},
    {"offset", ParamIn::kQuery, "integer", false, "How many of these to pass over."},
    kElementsLimit,
    kOrder};
constexpr Param kListParams[] = {
    kPrefix, kMatch, kPattern, kLimit, kCursor, {"values", ParamIn::kQuery, "boolean", false, "Show the values too."}};
constexpr Param kClearParams[] = {
    kPrefix,
    kMatch,
    kPattern,
    {"confirm", ParamIn::kQuery, "boolean", true, "Must be `true`: nothing is deleted by accident."}};
constexpr Param kShortKey{"key", ParamIn::kQuery, "string", true, "The key."};
constexpr Param kShortGetParams[] = {kShortKey};
constexpr Param kShortSetParams[] = {
    kShortKey, {"value", ParamIn::kQuery, "string", true, "The value."}, kTtl, kExpiresAt, kSliding, kKeepTtl};
constexpr Param kShortKeysParams[] = {kPrefix, kMatch, kPattern, kLimit, kCursor};
constexpr Param kCommandParams[] = {{"Upstash-Encoding", ParamIn::kHeader, "string", false,
                                     "`base64`: every string of the answer but `OK` is base64."}};

constexpr BodyKind kValueBodies[] = {{kBytesType, ""}, {kJsonType, "Json"}};
constexpr BodyKind kPatchBodies[] = {{kJsonType, "Patch"}};
constexpr BodyKind kBatchBodies[] = {{kJsonType, "Batch"}, {kProtobufType, ""}};
constexpr BodyKind kCommandBodies[] = {{kJsonType, "Command"}};
constexpr BodyKind kCommandsBodies[] = {{kJsonType, "Commands"}};

constexpr BodyKind kFieldsBodies[] = {{kJsonType, "FieldsPatch"}};
constexpr BodyKind kItemsBodies[] = {{kBytesType, ""}, {kJsonType, "ItemsPush"}};
constexpr BodyKind kMembersBodies[] = {{kJsonType, "MembersPatch"}};
constexpr BodyKind kScoresBodies[] = {{kJsonType, "ScoresPatch"}};
constexpr BodyKind kScoreBodies[] = {{kJsonType, "Score"}};

constexpr Outcome kBadRequest{400, "The request is not understood.", kProblemType, "Problem"};
constexpr Outcome kNotFound{404, "There is no such key.", kProblemType, "Problem"};
constexpr Outcome kHistoryGone{410, "The log does not reach back so far; the sentence says how far.", kProblemType,
                               "Problem"};
constexpr Outcome kWrongType{409, "The key holds another kind of value.", kProblemType, "Problem"};
constexpr Outcome kFailed{412, "A precondition does not hold; `version` is the current one.", kProblemType, "Problem"};
constexpr Outcome kTooLarge{413, "The value, the body or the answer is over a limit.", kProblemType, "Problem"};
constexpr Outcome kAnswerTooLarge{413, "The answer would be over output-buffer-hard-limit.", kProblemType, "Problem"};
constexpr Outcome kNoMemory{507, "There is no memory for the answer beside what clients have not taken.", kProblemType,
                            "Problem"};
constexpr Outcome kUnsupported{415, "Content-Type must be one of those listed.", kProblemType, "Problem"};
constexpr Outcome kNotWritable{503, "The store takes no writes now; the detail says why.", kProblemType, "Problem"};

constexpr Outcome kNotModified{304, "It still has the version that If-None-Match names.", "", ""};
constexpr Outcome kNoElement{404, "There is no such key, or it has no such element.", kProblemType, "Problem"};

constexpr Outcome kGetOutcomes[] = {
    {200,
     "The value, with the content type it was stored with; of a collection, JSON: an "
     "object of a hash's fields, an array of a list's or a set's elements, an array of "
     "a sorted set's [member, score].",
     "*/*", ""},
    {206, "A part of it.", "*/*", ""},
    kNotModified,
    kBadRequest,
    kNotFound,
    {406, "A field's name is not UTF-8: see /db/{key}/fields.", kProblemType, "Problem"},
    kWrongType,
    kFailed,
    kAnswerTooLarge,
    kHistoryGone,
    {416, "The range lies outside of the value.", kProblemType, "Problem"},
    kNoMemory};
constexpr Outcome kVersionsOutcomes[] = {
    {200, "What happened to the key, newest first.", kJsonType, "Versions"}, kBadRequest, kHistoryGone, kNoMemory};
constexpr Outcome kPutOutcomes[] = {{201, "Stored under a new key.", "", ""},
                                    {204, "Stored in place of an older value.", "", ""},
                                    kBadRequest,
                                    kFailed,
                                    kTooLarge,
                                    kUnsupported,
                                    kNotWritable};
constexpr Outcome kDeleteOutcomes[] = {{204, "Deleted.", "", ""}, kBadRequest, kNotFound, kFailed, kNotWritable};
constexpr Outcome kPatchOutcomes[] = {{200, "Changed.", kJsonType, "Patched"},
                                      {201, "There was no such key; now there is.", kJsonType, "Patched"},
                                      kBadRequest,
                                      kWrongType,
                                      kFailed,
                                      kTooLarge,
                                      kUnsupported,
                                      kNotWritable};
constexpr Outcome kFieldsOutcomes[] = {{200, "A page of fields.", kJsonType, "Fields"},
                                       kNotModified,
                                       kBadRequest,
                                       kNotFound,
                                       kWrongType,
                                       kFailed,
                                       kAnswerTooLarge,
                                       kNoMemory};
constexpr Outcome kItemsOutcomes[] = {{200, "Items, in their order.", kJsonType, "Items"},
                                      kNotModified,
                                      kBadRequest,
                                      kNotFound,
                                      kWrongType,
                                      kFailed,
                                      kAnswerTooLarge,
                                      kNoMemory};
constexpr Outcome kMembersOutcomes[] = {{200, "A page of members.", kJsonType, "Members"},
                                        kNotModified,
                                        kBadRequest,
                                        kNotFound,
                                        kWrongType,
                                        kFailed,
                                        kAnswerTooLarge,
                                        kNoMemory};
constexpr Outcome kScoresOutcomes[] = {{200, "Members with their scores, in that order.", kJsonType, "Scores"},
                                       kNotModified,
                                       kBadRequest,
                                       kNotFound,
                                       kWrongType,
                                       kFailed,
                                       kAnswerTooLarge,
                                       kNoMemory};
constexpr Outcome kGetElementOutcomes[] = {
    {200, "Its bytes.", kBytesType, ""}, kNotModified, kBadRequest, kNoElement, kWrongType, kFailed};
constexpr Outcome kGetMemberOutcomes[] = {
    {204, "It is.", "", ""}, kNotModified, kBadRequest, kNoElement, kWrongType, kFailed};
constexpr Outcome kGetScoreOutcomes[] = {{200, "Score, and rank in the order asked for.", kJsonType, "ScoreAndRank"},
                                         kNotModified,
                                         kBadRequest,
                                         kNoElement,
                                         kWrongType,
                                         kFailed};
constexpr Outcome kPutElementOutcomes[] = {{201, "It is new.", "", ""},
                                           {204, "It was there, and has what was sent.", "", ""},
                                           kBadRequest,
                                           kWrongType,
                                           kFailed,
                                           kTooLarge,
                                           kUnsupported,
                                           kNotWritable};
constexpr Outcome kPutNameOutcomes[] = {{201, "It is new.", "", ""},
                                        {204, "It was there.", "", ""},
                                        kBadRequest,
                                        kWrongType,
                                        kFailed,
                                        kTooLarge,
                                        kNotWritable};
constexpr Outcome kPutItemOutcomes[] = {
    {204, "Replaced.", "", ""}, kBadRequest, kNoElement, kWrongType, kFailed, kTooLarge, kUnsupported, kNotWritable};
constexpr Outcome kDeleteElementOutcomes[] = {{204, "Removed; the key is gone with its last element.", "", ""},
                                              kBadRequest,
                                              kNoElement,
                                              kWrongType,
                                              kFailed,
                                              kNotWritable};
constexpr Outcome kElementsPatchOutcomes[] = {
    {200, "Changed, at one instant.", kJsonType, "ElementsPatched"},
    {201, "There was no such key; now there is.", kJsonType, "ElementsPatched"},
    kBadRequest,
    kWrongType,
    kFailed,
    kTooLarge,
    kUnsupported,
    kNotWritable};
constexpr Outcome kPushOutcomes[] = {{200, "Added.", kJsonType, "ItemsPushed"},
                                     {201, "There was no such key; now there is.", kJsonType, "ItemsPushed"},
                                     kBadRequest,
                                     kWrongType,
                                     kFailed,
                                     kTooLarge,
                                     kUnsupported,
                                     kNotWritable};
constexpr Outcome kPopOutcomes[] = {{200, "What was taken, in the order it was taken in.", kJsonType, "ItemsPopped"},
                                    kBadRequest,
                                    kNotFound,
                                    kWrongType,
                                    kFailed,
                                    kAnswerTooLarge,
                                    kNotWritable};
constexpr Outcome kListOutcomes[] = {
    {200, "A page of keys.", kJsonType, "Page"},
    {200, "The same, a line for each key; the cursor is in `Stave-Cursor`.", kLinesType, ""},
    {200, "The same as a `stave.v1.ListResponse` of proto/stave.proto.", kProtobufType, ""},
    kBadRequest,
    kNoMemory};
constexpr Outcome kClearOutcomes[] = {{200, "How many were deleted.", kJsonType, "Deleted"}, kBadRequest, kNotWritable};
constexpr Outcome kBatchOutcomes[] = {
    {200, "All was done.", kJsonType, "BatchResult"},
    {200, "The same as a `stave.v1.BatchResult` of proto/stave.proto.", kProtobufType, ""},
    kBadRequest,
    {409, "An operation cannot be done; nothing was.", kProblemType, "Problem"},
    {412, "A precondition does not hold; nothing was done. `index` says whose.", kProblemType, "Problem"},
    kTooLarge,
    kUnsupported,
    kNotWritable,
    kNoMemory};
constexpr Outcome kShortGetOutcomes[] = {
    {200, "The value, as of `GET /db/{key}`.", "*/*", ""},
    kBadRequest,
    kNotFound,
    {406, "A field's name is not UTF-8: see /db/{key}/fields.", kProblemType, "Problem"},
    kWrongType,
    kAnswerTooLarge,
    kNoMemory};
constexpr Outcome kShortSetOutcomes[] = {
    {200, "Replaced.", kJsonType, "Stored"}, {201, "Stored.", kJsonType, "Stored"}, kBadRequest, kNotWritable};
constexpr Outcome kShortDeleteOutcomes[] = {
    {200, "Deleted.", kJsonType, "Deleted"}, kBadRequest, kNotFound, kNotWritable};
constexpr Outcome kShortKeysOutcomes[] = {
    {200, "The keys; the cursor of the next page, if there is one, is in `Stave-Cursor`.", kJsonType, "Keys"},
    kBadRequest,
    kNoMemory};
constexpr Outcome kCommandOutcomes[] = {
    {200, "What the command answered.", kJsonType, "CommandResult"},
    {400, "The command failed; `error` is its line.", kProblemType, "Problem"},
    {406, "It was run, and `result` has bytes that are not UTF-8.", kProblemType, "Problem"},
    kAnswerTooLarge,
    kNoMemory};
constexpr Outcome kPipelineOutcomes[] = {{200, "An answer for each command, in order.", kJsonType, "CommandResults"},
                                         kBadRequest,
                                         kAnswerTooLarge,
                                         kNoMemory};
constexpr Outcome kTransactionOutcomes[] = {
    {200, "An answer for each command, in order; all took effect at one instant.", kJsonType, "CommandResults"},
    {400, "One of them failed; none took effect.", kProblemType, "Problem"},
    kAnswerTooLarge,
    kNoMemory};
constexpr Outcome kHealthOutcomes[] = {{200, "The process is alive.", kJsonType, "Status"}};
constexpr Outcome kReadyOutcomes[] = {{200, "Reads and writes are served.", kJsonType, "Status"},
                                      {503, "Not now; `reason` says why.", kJsonType, "Status"}};
constexpr Outcome kVersionOutcomes[] = {{200, "Version and API.", kJsonType, "Version"}};
constexpr Outcome kMetricsOutcomes[] = {{200, "Prometheus' text format.", "text/plain", ""}};
constexpr Outcome kOpenapiOutcomes[] = {{200, "OpenAPI 3.1.", kJsonType, "Json"}};
constexpr Outcome kStartOutcomes[] = {{303, "Location: /docs.", "", ""}};
constexpr Outcome kDocsOutcomes[] = {{200, "A page for people.", "text/html", ""}};

constexpr unsigned kRead = kDatabase;
constexpr unsigned kWrite = kDatabase | kChanges;

constexpr Route kRoutes[] = {
    {Verb::kGet, "/db/{key}", "getKey", "keys", "Get a value.", kGetParams, {}, kGetOutcomes, kRead, get_key},
    {Verb::kHead,
     "/db/{key}",
     "headKey",
     "keys",
     "Get a value's length, version and type.",
     kGetParams,
     {},
     kGetOutcomes,
     kRead,
     get_key},
    {Verb::kPut, "/db/{key}", "putKey", "keys", "Store a value.", kPutParams, kValueBodies, kPutOutcomes,
     kWrite | kValueBody, put_key},
    {Verb::kPost, "/db/{key}", "postKey", "keys", "Store a value, for clients without PUT.", kPutParams, kValueBodies,
     kPutOutcomes, kWrite | kValueBody, put_key},
    {Verb::kDelete,
     "/db/{key}",
     "deleteKey",
     "keys",
     "Delete a key.",
     kDeleteParams,
     {},
     kDeleteOutcomes,
     kWrite,
     delete_key},
    {Verb::kPatch, "/db/{key}", "patchKey", "keys", "Add to a number, or append to a string.", kPatchParams,
     kPatchBodies, kPatchOutcomes, kWrite, patch_key},
    {Verb::kGet,
     "/db/{key}/history",
     "listVersions",
     "keys",
     "Get what happened to a key.",
     kVersionsParams,
     {},
     kVersionsOutcomes,
     kRead,
     list_versions},
    {Verb::kGet,
     "/db/{key}/fields",
     "listFields",
     "fields",
     "List the fields of a hash, a page at a time.",
     kPageParams,
     {},
     kFieldsOutcomes,
     kRead,
     list_fields},
    {Verb::kPatch, "/db/{key}/fields", "patchFields", "fields", "Set several fields of a hash; null removes.",
     kElementsParams, kFieldsBodies, kElementsPatchOutcomes, kWrite, patch_fields},
    {Verb::kGet,
     "/db/{key}/fields/{field}",
     "getField",
     "fields",
     "Get the value of a field.",
     kGetFieldParams,
     {},
     kGetElementOutcomes,
     kRead,
     get_field},
    {Verb::kPut, "/db/{key}/fields/{field}", "putField", "fields", "Set a field.", kPutFieldParams, kValueBodies,
     kPutElementOutcomes, kWrite | kValueBody, put_field},
    {Verb::kDelete,
     "/db/{key}/fields/{field}",
     "deleteField",
     "fields",
     "Remove a field.",
     kGetFieldParams,
     {},
     kDeleteElementOutcomes,
     kWrite,
     delete_field},
    {Verb::kGet,
     "/db/{key}/items",
     "listItems",
     "items",
     "Get items of a list.",
     kItemsParams,
     {},
     kItemsOutcomes,
     kRead,
     list_items},
    {Verb::kPost, "/db/{key}/items", "pushItems", "items", "Add items at an end of a list.", kPushParams, kItemsBodies,
     kPushOutcomes, kWrite | kValueBody, push_items},
    {Verb::kDelete,
     "/db/{key}/items",
     "popItems",
     "items",
     "Take items from an end of a list.",
     kPopParams,
     {},
     kPopOutcomes,
     kWrite,
     pop_items},
    {Verb::kGet,
     "/db/{key}/items/{index}",
     "getItem",
     "items",
     "Get an item.",
     kGetItemParams,
     {},
     kGetElementOutcomes,
     kRead,
     get_item},
    {Verb::kPut, "/db/{key}/items/{index}", "putItem", "items", "Replace an item.", kPutItemParams, kValueBodies,
     kPutItemOutcomes, kWrite | kValueBody, put_item},
    {Verb::kGet,
     "/db/{key}/members",
     "listMembers",
     "members",
     "List the members of a set, a page at a time.",
     kPageParams,
     {},
     kMembersOutcomes,
     kRead,
     list_members},
    {Verb::kPatch, "/db/{key}/members", "patchMembers", "members", "Add and remove several members of a set.",
     kElementsParams, kMembersBodies, kElementsPatchOutcomes, kWrite, patch_members},
    {Verb::kGet,
     "/db/{key}/members/{member}",
     "getMember",
     "members",
     "Is it a member?",
     kGetMemberParams,
     {},
     kGetMemberOutcomes,
     kRead,
     get_member},
    {Verb::kPut,
     "/db/{key}/members/{member}",
     "putMember",
     "members",
     "Add a member.",
     kPutMemberParams,
     {},
     kPutNameOutcomes,
     kWrite,
     put_member},
    {Verb::kDelete,
     "/db/{key}/members/{member}",
     "deleteMember",
     "members",
     "Remove a member.",
     kGetMemberParams,
     {},
     kDeleteElementOutcomes,
     kWrite,
     delete_member},
    {Verb::kGet,
     "/db/{key}/scores",
     "listScores",
     "scores",
     "Get members of a sorted set, by rank or by score.",
     kScoresParams,
     {},
     kScoresOutcomes,
     kRead,
     list_scores},
    {Verb::kPatch, "/db/{key}/scores", "patchScores", "scores",
     "Give several members of a sorted set their scores; null removes.", kElementsParams, kScoresBodies,
     kElementsPatchOutcomes, kWrite, patch_scores},
    {Verb::kGet,
     "/db/{key}/scores/{member}",
     "getScore",
     "scores",
     "Get a member's score and rank.",
     kGetScoreParams,
     {},
     kGetScoreOutcomes,
     kRead,
     get_score},
    {Verb::kPut, "/db/{key}/scores/{member}", "putScore", "scores", "Give a member its score.", kPutMemberParams,
     kScoreBodies, kPutElementOutcomes, kWrite, put_score},
    {Verb::kDelete,
     "/db/{key}/scores/{member}",
     "deleteScore",
     "scores",
     "Remove a member.",
     kGetMemberParams,
     {},
     kDeleteElementOutcomes,
     kWrite,
     delete_score},
    {Verb::kGet,
     "/db",
     "listKeys",
     "collection",
     "List keys, a page at a time.",
     kListParams,
     {},
     kListOutcomes,
     kRead,
     list_keys},
    {Verb::kDelete,
     "/db",
     "deleteKeys",
     "collection",
     "Delete all keys that match.",
     kClearParams,
     {},
     kClearOutcomes,
     kWrite,
     delete_keys},
    {Verb::kPost,
     "/db/_batch",
     "batch",
     "collection",
     "Do several operations at one instant, or none.",
     {},
     kBatchBodies,
     kBatchOutcomes,
     kWrite,
     run_batch},
    {Verb::kGet,
     "/get",
     "shortGet",
     "short forms",
     "Get a value.",
     kShortGetParams,
     {},
     kShortGetOutcomes,
     kRead,
     short_get},
    {Verb::kGet,
     "/set",
     "shortSet",
     "short forms",
     "Store a value.",
     kShortSetParams,
     {},
     kShortSetOutcomes,
     kWrite,
     short_set},
    {Verb::kGet,
     "/delete",
     "shortDelete",
     "short forms",
     "Delete a key.",
     kShortGetParams,
     {},
     kShortDeleteOutcomes,
     kWrite,
     short_delete},
    {Verb::kGet,
     "/keys",
     "shortKeys",
     "short forms",
     "List keys.",
     kShortKeysParams,
     {},
     kShortKeysOutcomes,
     kRead,
     short_keys},
    {Verb::kPost, "/command", "command", "commands", "Run a command of the Redis protocol.", kCommandParams,
     kCommandBodies, kCommandOutcomes, kWrite | kAnyType, run_command},
    {Verb::kPost, "/", "upstashCommand", "commands", "The same, where Upstash's clients send it.", kCommandParams,
     kCommandBodies, kCommandOutcomes, kWrite | kAnyType, run_command},
    {Verb::kPost, "/pipeline", "pipeline", "commands", "Run commands one after the other.", kCommandParams,
     kCommandsBodies, kPipelineOutcomes, kWrite | kAnyType, run_pipeline},
    {Verb::kPost, "/transaction", "transaction", "commands", "Run commands at one instant, or none.", kCommandParams,
     kCommandsBodies, kTransactionOutcomes, kWrite | kAnyType, run_transaction},
    {Verb::kPost, "/multi-exec", "upstashTransaction", "commands", "The same, where Upstash's clients send it.",
     kCommandParams, kCommandsBodies, kTransactionOutcomes, kWrite | kAnyType, run_transaction},
    {Verb::kGet,
     "/changes",
     "streamChanges",
     "streams",
     "Follow what happens in the store.",
     kChangesParams,
     {},
     kChangesOutcomes,
     0,
     stream_changes},
    {Verb::kGet,
     "/subscribe",
     "subscribe",
     "streams",
     "Listen to messages.",
     kSubscribeParams,
     {},
     kSubscribeOutcomes,
     0,
     stream_messages},
    {Verb::kPost, "/publish/{channel}", "publish", "streams", "Send a message.", kPublishParams, kPublishBodies,
     kPublishOutcomes, kChanges | kAnyType, publish_message},
    {Verb::kGet, "/healthz", "health", "platform", "Is the process alive?", {}, {}, kHealthOutcomes, kOpen, health},
    {Verb::kGet, "/readyz", "readiness", "platform", "Can it serve?", {}, {}, kReadyOutcomes, kOpen, readiness},
    {Verb::kGet, "/version", "version", "platform", "Which version is this?", {}, {}, kVersionOutcomes, kOpen, version},
    {Verb::kGet, "/metrics", "metrics", "platform", "Figures for Prometheus.", {}, {}, kMetricsOutcomes, 0, metrics},
    {Verb::kGet,
     "/openapi.json",
     "openapi",
     "platform",
     "This table, for programs.",
     {},
     {},
     kOpenapiOutcomes,
     kOpen,
     openapi},
    {Verb::kGet,
     "/",
     "start",
     "platform",
     "For people who open the address: leads to /docs.",
     {},
     {},
     kStartOutcomes,
     kOpen,
     start},
    {Verb::kGet,
     "/docs",
     "documentation",
     "platform",
     "This table, for people.",
     {},
     {},
     kDocsOutcomes,
     kOpen,
     documentation},
};

consteval bool well_formed() {
  for (const Route& a : kRoutes) {
    if (!a.path.starts_with('/') || !a.summary.ends_with('.') == !a.summary.ends_with('?') || a.run == nullptr)
      return false;
    if (a.outcomes.empty()) return false;
    int same = 0;
    for (const Route& b : kRoutes) same += (a.verb == b.verb && a.path == b.path) || a.name == b.name ? 1 : 0;
    if (same != 1) return false;
    for (const Param& param : a.params)
      if (!param.help.ends_with('.')) return false;
  }
  return true;
}
static_assert(well_formed(), "every row is complete and there are no two alike");

}  // namespace

std::span<const Route> route_table() noexcept {
  return kRoutes;
}

std::span<const Param> shared_params(const Route& route) noexcept {
  if (!route.has(kDatabase)) return {};
  return std::span(kSharedParams).first(route.has(kChanges) ? 2 : 1);
}

}  // namespace stave::http
