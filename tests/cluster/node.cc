#include "node.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/try.h"
#include "store/options_for_test.h"

namespace stave::cluster {

namespace {

const std::string kDirectory = "/store";

}  // namespace

Node::Node(Network& network, const Setup& setup)
    : network_(network),
      setup_(setup),
      random_(setup.seed),
      disk_(std::make_unique<sim::SimFileSystem>(random_.next())) {}

Node::~Node() {
  part_with_group();
}

void Node::tell(const std::string& line) {
  const std::lock_guard lock(lines_mutex_);
  lines_.push_back(line);
}

std::vector<std::string> Node::lines() const {
  const std::lock_guard lock(lines_mutex_);
  return lines_;
}

bool Node::told(const std::string& words) const {
  return std::ranges::any_of(lines(), [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

Options Node::options() {
  Options options = store::still_options(*disk_, clock_, 2);
  options.max_space_amplification = 1.5;
  options.sync = setup_.sync;
  return options;
}

// As a server does it.
Result<void> Node::open(const std::string& told, const replication::Rebuild& rebuild) {
  // The test itself would wait, for as long as a server does.
  network_.let_go(setup_.number);
  int tries = 0;
  const replication::Preparation preparation{.directory = kDirectory,
                                             .options = options(),
                                             .told = told,
                                             .rebuild = rebuild,
                                             .host = "n" + std::to_string(setup_.number),
                                             .port = 1,
                                             .dial = network_.dial_of(setup_.number),
                                             .stopping = [&tries] { return ++tries > 3; },
                                             .rest = [](std::int64_t) { rest_ms(2); },
                                             .tell = [this](const std::string& line) { tell(line); }};
  STAVE_ASSIGN(const replication::Part part, replication::prepare(preparation));
  STAVE_ASSIGN(engine_, part.follows ? store::Engine::open(kDirectory, preparation.options, part.following)
                                     : store::Engine::open(kDirectory, preparation.options));
  engine_->replicas().ask(setup_.replicas, 0);
  group_ = std::make_unique<replication::Group>(*engine_,
                                                replication::Group::Config{.leader = part.leader,
                                                                           .host = preparation.host,
                                                                           .port = preparation.port,
                                                                           .dial = preparation.dial,
                                                                           .tell = preparation.tell,
                                                                           .reopen = [this] { reopen_.store(true); }});
  group_->start();
  network_.serve(setup_.number, &group_->followers());
  return {};
}

Result<void> Node::start(int told) {
  if (told >= 0) told_ = Network::address_of(told);
  reopen_.store(false);
  cut_at_ = kNoLsn;
  tell("-- starts" + (told_.empty() ? "" : ", told to follow " + told_));
  auto opened = open(told_, {});
  if (!opened) tell("does not start: " + opened.error().describe());
  return opened;
}

void Node::part_with_group() {
  network_.serve(setup_.number, nullptr);
  if (group_) group_->stop();
}

bool Node::reopen_if_asked() {
  if (!up() || !reopen_.load()) return false;
  const replication::Rebuild wanted = group_->wanted();
  tell("-- opens again");
  stop();
  reopen_.store(false);
  auto opened = open(told_, wanted);
  cut_at_ = opened && wanted.what >= replication::Rebuild::What::kCut ? wanted.at : kNoLsn;
  if (!opened) tell("does not open again: " + opened.error().describe());
  return true;
}

void Node::stop() {
  if (!up()) return;
  part_with_group();
  group_.reset();
  static_cast<void>(engine_->close());
  engine_.reset();
}

void Node::lose_power() {
  if (up()) {
    if (random_.coin()) {
      disk_->crash_at(disk_->operations() + 1 + random_.below(6));
      rest_ms(random_.below(4));
    }
    if (!disk_->crashed()) disk_->crash_at(disk_->operations() + 1);
    part_with_group();
    group_.reset();
    engine_.reset();
  }
  constexpr std::size_t kModes = std::size(sim::kCrashModes);
  const sim::CrashMode mode = random_.coin() ? sim::CrashMode::kDropUnsynced : sim::kCrashModes[random_.below(kModes)];
  tell("-- loses power, " + std::string(sim::to_string(mode)));
  disk_ = std::make_unique<sim::SimFileSystem>(disk_->after_crash(mode, random_.next()));
}

void Node::kill() {
  if (!up()) return;
  tell("-- is killed");
  disk_->crash_at(disk_->operations() + 1, sim::CrashEffect::kNone);
  part_with_group();
  group_.reset();
  engine_.reset();
  disk_ = std::make_unique<sim::SimFileSystem>(disk_->after_kill(random_.next()));
}

void Node::replace() {
  lose_power();
  tell("-- is replaced");
  disk_ = std::make_unique<sim::SimFileSystem>(random_.next());
}

View Node::view() {
  View view;
  std::vector<std::string> names;
  std::vector<store::KeyRef> keys;
  for (int key = 0; key < kKeys; ++key) names.push_back(key_of(key));
  for (const std::string& name : names) keys.push_back({0, name});
  const auto shown = engine_->read_many(keys, store::Access::kPeek, [&](std::size_t i, const store::ValueView* value) {
    if (value != nullptr) view.values[static_cast<int>(i)] = {std::string(value->value), value->version};
  });
  if (!shown) view.values.clear();
  view.tail = engine_->log().tail();
  view.terms = engine_->terms().state().terms;
  return view;
}

std::string Node::bytes_of(const std::string& ending) const {
  std::string all;
  for (const auto& [name, bytes] : disk_->dump())
    if (name.ends_with(ending)) all += bytes;
  return all;
}

}  // namespace stave::cluster
