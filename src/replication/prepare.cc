// Before a store is opened: what its directory has to be, for what it is in its group.
#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/try.h"
#include "log/cut_back.h"
#include "log/inspect.h"
#include "replication/group.h"
#include "replication/preparation_files.h"
#include "replication/times.h"
#include "store/image.h"
#include "store/image_shelf.h"

namespace stave::replication {

namespace {

bool is_of_the_log(std::string_view name) {
  return log::parse_segment_name(name) || log::parse_begun_name(name) || log::parse_newest_name(name) ||
         name == log::kSpareName || name.ends_with(".new") || name.ends_with(".image") || name.ends_with(".dict");
}

/// Removes the store's files, its identity first: what is left by a crash in the middle is no store. What was cut from
/// its log once stays.
Result<void> forget(FileSystem& files, const std::string& directory) {
  const std::string identity = log::join_path(directory, log::kIdentityName);
  STAVE_ASSIGN(const bool exists, files.exists(identity));
  if (exists) {
    STAVE_TRY(files.remove(identity));
    STAVE_TRY(files.sync_directory(directory));
  }
  STAVE_ASSIGN(const std::vector<std::string> names, files.list(directory));
  for (const std::string& name : names)
    if (is_of_the_log(name)) STAVE_TRY(files.remove(log::join_path(directory, name)));
  return files.sync_directory(directory);
}

/// Images that know of what is cut would be right about nothing.
Result<void> forget_images(FileSystem& files, const std::string& directory, Lsn at) {
  STAVE_ASSIGN(const std::vector<Lsn> names, store::ImageShelf::list(files, directory));
  for (const Lsn name : names) {
    const std::string path = log::join_path(directory, store::image_name(name));
    const auto image = store::ImageReader::open(files, path);
    if (image && (*image)->newest() <= at) continue;
    STAVE_TRY(files.remove(path));
  }
  return files.sync_directory(directory);
}

Result<void> cut(FileSystem& files, const std::string& directory, store::NodeState& node, Lsn at) {
  STAVE_TRY(forget_images(files, directory, at));
  STAVE_TRY(log::cut_back(files, directory, at));
  std::erase_if(node.terms, [&](const store::Term& term) { return term.first >= at; });
  return store::save_node(files, directory, node);
}

/// Whether the log is still that of a whole store. A leader that cleaned before it lost its place has dropped segments
/// because of what it wrote behind the cut.
Result<bool> is_whole(FileSystem& files, const std::string& directory, const store::NodeState& node) {
  log::Inspector inspector(files, directory, kNoLsn,
                           {.found = [](const log::Finding&) {},
                            .visit = [](std::span<const log::RecordView>, bool) -> Result<void> { return {}; }});
  STAVE_TRY(inspector.run());
  const log::Inspection& state = inspector.state();
  return !state.segments.empty() && state.segments.front().base <= std::max(state.trimmed, node.begins);
}

/// What only this copy has is kept before all of it goes.
Result<void> keep_behind(FileSystem& files, const std::string& directory, Lsn at) {
  STAVE_ASSIGN(const auto segments, log::list_segments(files, directory));
  if (segments.empty()) return {};
  return log::cut_back(files, directory, std::max(at, segments.front().base));
}

/// Whether there is anything of the log before that.
Result<bool> begins_before(FileSystem& files, const std::string& directory, Lsn at) {
  STAVE_ASSIGN(const auto segments, log::list_segments(files, directory));
  return !segments.empty() && segments.front().base < at;
}

/// A store that was never in a group may be given up when there is nothing in it.
Result<void> check_empty(const Preparation& preparation) {
  Options options = preparation.options;
  options.background = false;
  STAVE_ASSIGN(const auto engine, store::Engine::open(preparation.directory, options));
  std::uint64_t keys = 0;
  for (int database = 0; database < options.databases; ++database) keys += engine->count_keys(database);
  STAVE_TRY(engine->close());
  if (keys == 0) return {};
  return fail(Error(ErrorCode::kConflict, "the store here has data of its own (" + std::to_string(keys) +
                                              (keys == 1 ? " key" : " keys") +
                                              "), which a copy of another one would replace; follow with an empty "
                                              "directory")
                  .with_file(preparation.directory));
}

/// Asks the leader what a copy of its store begins with.
Result<Welcome> ask(const Preparation& preparation, const store::NodeState& node) {
  STAVE_ASSIGN(const std::unique_ptr<Link> link, preparation.dial(node.leader));
  FrameReader reader(*link);
  const Hello hello{.store_id = {},
                    .node = node.id,
                    .end = kNoLsn,
                    .promised = node.promised,
                    .port = preparation.port,
                    .terms = {},
                    .dictionaries = {},
                    .host = preparation.host};
  const std::string text = encode(hello);
  STAVE_TRY(send_frame(*link, {.kind = FrameKind::kHello, .term = node.promised, .payload = base::as_bytes(text)}));
  STAVE_ASSIGN(Welcome welcome, receive_welcome(reader));
  if (welcome.answer != Answer::kCopy || welcome.at < log::kFirstLsn || welcome.whole < welcome.at)
    return fail(ErrorCode::kCorrupt, "the leader's answer makes no sense");
  return welcome;
}

Result<Welcome> ask_until_answered(const Preparation& preparation, const store::NodeState& node) {
  std::int64_t retry_ms = kRetryMsMin;
  std::string told;
  for (;;) {
    if (preparation.stopping()) return fail(ErrorCode::kAborted, "stopped before the leader answered");
    auto welcome = ask(preparation, node);
    if (welcome) return welcome;
    if (std::string why = welcome.error().describe(); why != told) {
      preparation.tell("cannot begin to follow " + node.leader + " yet: " + why);
      told = std::move(why);
    }
    preparation.rest(retry_ms);
    retry_ms = std::min(2 * retry_ms, kRetryMsMax);
  }
}

Result<bool> has_store(FileSystem& files, const std::string& directory) {
  return files.exists(log::join_path(directory, log::kIdentityName));
}

Result<bool> has_segments(FileSystem& files, const std::string& directory) {
  STAVE_ASSIGN(const auto segments, log::list_segments(files, directory));
  return !segments.empty();
}

}  // namespace

Result<Part> prepare_copy(const Preparation& preparation) {
  FileSystem& files = files_of(preparation);
  const std::string& directory = preparation.directory;
  STAVE_ASSIGN(const bool there, files.exists(directory));
  if (!there) {
    if (preparation.told.empty()) return Part{};
    STAVE_TRY(files.create_directories(directory));
  }
  STAVE_ASSIGN(auto known, store::load_node(files, directory));
  if (!known && preparation.told.empty()) return Part{};
  store::NodeState node = known ? std::move(*known) : store::NodeState{};
  STAVE_ASSIGN(bool store, has_store(files, directory));
  if (!preparation.told.empty() && preparation.told != node.told) {
    // Without terms it was in no group: it may be one that REPLICAOF has just told to follow.
    if (store && !known) STAVE_TRY(check_empty(preparation));
    if (node.id == log::NodeId{}) node.id = store::draw_node_id();
    node.follows = true;
    node.leader = node.told = preparation.told;
    STAVE_TRY(store::save_node(files, directory, node));
  }
  if (!node.follows) return Part{};
  if (preparation.rebuild.what == Rebuild::What::kCut) {
    preparation.tell("cuts what the leader has not, from LSN " + std::to_string(raw(preparation.rebuild.at)) +
                     " on; it is kept in a .cut file");
    STAVE_ASSIGN(const bool reaches, begins_before(files, directory, preparation.rebuild.at));
    bool whole = false;
    if (reaches) {
      STAVE_TRY(cut(files, directory, node, preparation.rebuild.at));
      STAVE_ASSIGN(whole, is_whole(files, directory, node));
    } else {
      STAVE_TRY(keep_behind(files, directory, preparation.rebuild.at));
    }
    if (!whole) {
      preparation.tell("what is left lacks what was cleaned since: everything comes from the leader again");
      STAVE_TRY(forget(files, directory));
      store = false;
    }
  }
  // One that was in no group was looked at before it was told to follow, and is again before it goes.
  const bool of_its_own = store && node.terms.empty() && node.whole == kNoLsn;
  if (of_its_own) STAVE_TRY(check_empty(preparation));
  if (store && preparation.rebuild.what == Rebuild::What::kAnew && preparation.rebuild.at != kNoLsn)
    STAVE_TRY(keep_behind(files, directory, preparation.rebuild.at));
  if (preparation.rebuild.what == Rebuild::What::kAnew || of_its_own) {
    preparation.tell("begins with nothing: everything comes from the leader again");
    STAVE_TRY(forget(files, directory));
    store = false;
  }
  Part part{.follows = true, .leader = node.leader, .following = {}};
  if (store) return part;
  STAVE_ASSIGN(const bool segments, has_segments(files, directory));
  if (segments && !known)
    return fail(Error(ErrorCode::kConflict,
                      "there are segments of a store here but not its identity; follow with an "
                      "empty directory")
                    .with_file(directory));
  STAVE_ASSIGN(const Welcome welcome, ask_until_answered(preparation, node));
  STAVE_TRY(forget(files, directory));
  node.begins = welcome.at;
  node.whole = welcome.whole;
  node.terms = welcome.terms;
  node.promised = std::max(node.promised, welcome.term);
  STAVE_TRY(store::save_node(files, directory, node));
  part.following.birth = log::StartAt::Birth{.store_id = welcome.store_id, .base = welcome.at};
  preparation.tell("copies the store of " + node.leader + " from LSN " + std::to_string(raw(welcome.at)) + " to " +
                   std::to_string(raw(welcome.whole)));
  return part;
}

}  // namespace stave::replication
