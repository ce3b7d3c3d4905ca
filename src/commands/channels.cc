#include "commands/channels.h"

#include <new>
#include <utility>

#include "base/assert.h"
#include "base/no_memory.h"
#include "commands/glob.h"
#include "commands/session.h"

namespace stave::commands {
namespace {

/// Smaller messages are not worth asking the meter for.
constexpr std::size_t kCountedFrom = 16 << 10;

constexpr std::size_t index(ChannelKind kind) noexcept {
  return static_cast<std::size_t>(kind);
}

}  // namespace

// --- a post ---------------------------------------------------------------------------------------------------------

void Post::put(std::list<Letter> letter, bool from_within) noexcept {
  base::MutexLock lock(mutex_);
  const bool first = letters_.empty();
  letters_.splice(letters_.end(), letter);
  waiting_.store(true, std::memory_order_relaxed);
  // Its own thread comes here by itself before it sleeps.
  if (first && !from_within) wake_();
}

void Post::drain(Show show) {
  std::list<Letter> letters;
  {
    base::MutexLock lock(mutex_);
    letters.swap(letters_);
    waiting_.store(false, std::memory_order_relaxed);
  }
  for (const Letter& letter : letters) {
    show_to(letter->sharded ? ChannelKind::kShard : ChannelKind::kChannel, letter->channel, *letter, nullptr, show);
    for (const std::string& pattern : letter->patterns)
      show_to(ChannelKind::kPattern, pattern, *letter, &pattern, show);
  }
}

void Post::show_to(ChannelKind kind, std::string_view name, const Message& message, const std::string* pattern,
                   Show show) {
  const auto found = listeners_[index(kind)].find(name);
  if (found == listeners_[index(kind)].end()) return;  // they left meanwhile
  for (Session* const session : found->second) show(message, pattern, *session);
}

// --- all channels ---------------------------------------------------------------------------------------------------

void Channels::add(ChannelKind kind, std::string_view name, Post& post) {
  base::MutexLock lock(mutex_);
  ByName<Heard>& all = heard_[index(kind)];
  auto found = all.find(name);
  if (found == all.end()) found = all.emplace(std::string(name), Heard()).first;
  try {
    ++found->second.posts[&post];
  } catch (const std::bad_alloc&) {
    if (found->second.posts.empty()) all.erase(found);
    throw;
  }
  ++found->second.listeners;
  all_.fetch_add(1, std::memory_order_relaxed);
}

void Channels::remove(ChannelKind kind, std::string_view name, Post& post) noexcept {
  base::MutexLock lock(mutex_);
  ByName<Heard>& all = heard_[index(kind)];
  const auto found = all.find(name);
  STAVE_ASSERT(found != all.end());
  auto& posts = found->second.posts;
  const auto at = posts.find(&post);
  STAVE_ASSERT(at != posts.end() && at->second != 0 && found->second.listeners != 0);
  if (--at->second == 0) posts.erase(at);
  if (--found->second.listeners == 0) all.erase(found);
  all_.fetch_sub(1, std::memory_order_relaxed);
}

std::uint64_t Channels::find_listeners(std::string_view channel, bool sharded, Posts& posts,
                                       std::vector<std::string>& patterns) const {
  std::uint64_t count = 0;
  const auto add = [&](const Heard& heard) {
    count += heard.listeners;
    for (const auto& [post, number] : heard.posts) posts.insert(post);
  };
  const ByName<Heard>& named = heard_[index(sharded ? ChannelKind::kShard : ChannelKind::kChannel)];
  if (const auto found = named.find(channel); found != named.end()) add(found->second);
  if (sharded) return count;
  for (const auto& [pattern, heard] : heard_[index(ChannelKind::kPattern)]) {
    if (!glob_match(pattern, channel)) continue;
    add(heard);
    patterns.push_back(pattern);
  }
  return count;
}

// The posts get it under the lock, so that all of them get all messages in one order.
Result<std::uint64_t> Channels::publish(std::string_view channel, std::string_view payload, bool sharded,
                                        const store::Pending& pending, const Post* own) try {
  if (all_.load(std::memory_order_relaxed) == 0) return 0;
  base::MutexLock lock(mutex_);
  Posts posts;
  std::vector<std::string> patterns;
  const std::uint64_t count = find_listeners(channel, sharded, posts, patterns);
  if (count == 0) return 0;
  store::BufferShare counted(meter_);
  const std::size_t bytes = channel.size() + payload.size();
  if (bytes >= kCountedFrom && !counted.resize(bytes)) return base::no_memory();
  const auto letter = std::make_shared<const Message>(
      Message{std::string(channel), std::string(payload), sharded, std::move(patterns), pending, std::move(counted)});
  // All that is needed is taken first: either everybody hears it or nobody.
  std::vector<std::list<Post::Letter>> copies(posts.size());
  for (auto& copy : copies) copy.push_back(letter);
  auto copy = copies.begin();
  for (Post* const post : posts) post->put(std::move(*copy++), post == own);
  return count;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

std::vector<std::string> Channels::names(ChannelKind kind, const std::string_view* pattern) const {
  base::MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, heard] : heard_[index(kind)])
    if (pattern == nullptr || glob_match(*pattern, name)) names.push_back(name);
  return names;
}

std::uint64_t Channels::listeners(ChannelKind kind, std::string_view name) const {
  base::MutexLock lock(mutex_);
  const auto found = heard_[index(kind)].find(name);
  return found == heard_[index(kind)].end() ? 0 : found->second.listeners;
}

std::size_t Channels::count(ChannelKind kind) const {
  base::MutexLock lock(mutex_);
  return heard_[index(kind)].size();
}

// --- a session ------------------------------------------------------------------------------------------------------

bool Subscriptions::empty() const noexcept {
  for (const Names& some : names)
    if (!some.empty()) return false;
  return true;
}

bool Subscriptions::add(Session& session, ChannelKind kind, std::string_view name, std::uint64_t bytes_max) {
  // About what the nodes of three tables take besides the name.
  constexpr std::uint64_t kNodeBytes = 256;
  if (of(kind).contains(name)) return true;
  const std::uint64_t more = bytes + 2 * name.size() + kNodeBytes;
  if (more > bytes_max || (more > kCountedFrom && !counted.resize(more))) return false;
  auto& listeners = post.listeners_[index(kind)];
  const auto named = of(kind).emplace(name).first;
  try {
    auto found = listeners.find(name);
    if (found == listeners.end()) found = listeners.emplace(std::string(name), Post::Listeners()).first;
    try {
      found->second.insert(&session);
      post.channels().add(kind, name, post);
    } catch (const std::bad_alloc&) {
      found->second.erase(&session);
      if (found->second.empty()) listeners.erase(found);
      throw;
    }
  } catch (const std::bad_alloc&) {
    of(kind).erase(named);
    return false;
  }
  bytes = more;
  return true;
}

void Subscriptions::remove(Session& session, ChannelKind kind, std::string_view name) noexcept {
  const auto named = of(kind).find(name);
  if (named == of(kind).end()) return;
  auto& listeners = post.listeners_[index(kind)];
  const auto found = listeners.find(name);
  STAVE_ASSERT(found != listeners.end() && found->second.contains(&session));
  found->second.erase(&session);
  if (found->second.empty()) listeners.erase(found);
  post.channels().remove(kind, name, post);
  of(kind).erase(named);
}

void forget_subscriptions(Session& session) noexcept {
  session.listening = false;
  if (session.subscriptions == nullptr) return;
  Subscriptions& own = *session.subscriptions;
  for (const ChannelKind kind : {ChannelKind::kChannel, ChannelKind::kPattern, ChannelKind::kShard})
    while (!own.of(kind).empty()) own.remove(session, kind, std::string_view(*own.of(kind).begin()));
  session.subscriptions.reset();
  session.show_subscriptions(0, 0, 0);
}

}  // namespace stave::commands
