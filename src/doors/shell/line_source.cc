#include "doors/shell/line_source.h"

#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <utility>

#include "base/assert.h"
#include "doors/shell/help.h"

namespace stave::shell {

namespace {

// Signal handlers can reach nothing but statics.
volatile std::sig_atomic_t end_requested = 0;
volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_end(int) {
  end_requested = 1;
}
extern "C" void on_interrupt(int) {
  interrupted = 1;
}

/// Waits until standard input has something, or a signal of ours came: then false. Signals are let in only inside the
/// wait; one that came between a look at the flags and a plain read would be noticed a key press too late.
bool wait_for_input() {
  sigset_t ours;
  sigset_t before;
  sigemptyset(&ours);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) sigaddset(&ours, signal);
  ::pthread_sigmask(SIG_BLOCK, &ours, &before);
  bool ready = false;
  while (!ready && end_requested == 0 && interrupted == 0) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    ready = ::ppoll(&input, 1, nullptr, &before) > 0;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ready && interrupted == 0;
}

class PipeLines final : public LineSource {
 public:
  std::optional<std::string> next(std::string_view) override {
    for (;;) {
      if (end_requested != 0 || interrupted != 0) return std::nullopt;
      if (const auto end = buffer_.find('\n', scanned_); end != std::string::npos) {
        STAVE_ASSERT(at_ <= end);
        std::string line = buffer_.substr(at_, end - at_);
        at_ = scanned_ = end + 1;
        return line;
      }
      buffer_.erase(0, at_);
      at_ = 0;
      scanned_ = buffer_.size();
      if (!read_more()) return last_line();
    }
  }
  [[nodiscard]] bool interactive() const noexcept override { return false; }

 private:
  /// False at the end of the input and when a signal asked for it.
  bool read_more() {
    constexpr std::size_t kStep = 64 << 10;
    if (!wait_for_input()) {
      buffer_.clear();  // Half a line is no command.
      return false;
    }
    const std::size_t size = buffer_.size();
    buffer_.resize(size + kStep);
    const ssize_t got = ::read(STDIN_FILENO, buffer_.data() + size, kStep);
    buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
  }
  /// What follows the last line end, once.
  std::optional<std::string> last_line() {
    if (buffer_.empty()) return std::nullopt;
    scanned_ = 0;
    return std::exchange(buffer_, {});
  }

  std::string buffer_;
  std::size_t at_ = 0;       ///< Start of the next line.
  std::size_t scanned_ = 0;  ///< No line end before this.
};

/// libedit's editor. Hints stand behind the cursor while it is at the end of the line.
class EditedLines final : public LineSource {
 public:
  explicit EditedLines(std::string history_path);
  ~EditedLines() override;
  EditedLines(const EditedLines&) = delete;
  EditedLines& operator=(const EditedLines&) = delete;

  std::optional<std::string> next(std::string_view prompt) override;
  [[nodiscard]] bool interactive() const noexcept override { return true; }

 private:
  static EditedLines& of(EditLine* editor);
  static char* show_prompt(EditLine* editor);
  /// Whether there was one to show.
  static bool show_hint(EditLine* editor);
  static void wipe_hint();
  static int read_character(EditLine* editor, wchar_t* to);
  static unsigned char complete(EditLine* editor, int key);
  static std::string before_cursor(EditLine* editor);
  void remember(const std::string& line);

  EditLine* editor_;
  History* history_;
  std::string history_path_;
  std::string prompt_;
  bool dropped_ = false;  ///< Ctrl-C ended the line that is being read.
};

constexpr int kHistoryLines = 1000;

EditedLines::EditedLines(std::string history_path)
    : editor_(::el_init("stave", stdin, stdout, stderr)),
      history_(::history_init()),
      history_path_(std::move(history_path)) {
  HistEvent event;
  ::history(history_, &event, H_SETSIZE, kHistoryLines);
  ::history(history_, &event, H_SETUNIQUE, 1);
  if (!history_path_.empty()) ::history(history_, &event, H_LOAD, history_path_.c_str());
  ::el_set(editor_, EL_CLIENTDATA, this);
  ::el_set(editor_, EL_EDITOR, "emacs");
  ::el_set(editor_, EL_PROMPT, &EditedLines::show_prompt);
  ::el_set(editor_, EL_HIST, &::history, history_);
  ::el_set(editor_, EL_GETCFN, &EditedLines::read_character);
  ::el_set(editor_, EL_ADDFN, "stave-complete", "Completes a command.", &EditedLines::complete);
  ::el_source(editor_, nullptr);  // The user's ~/.editrc, before our own keys.
  ::el_set(editor_, EL_BIND, "^I", "stave-complete", nullptr);
  ::el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

EditedLines::~EditedLines() {
  ::history_end(history_);
  ::el_end(editor_);
}

EditedLines& EditedLines::of(EditLine* editor) {
  EditedLines* self = nullptr;
  ::el_get(editor, EL_CLIENTDATA, &self);
  return *self;
}

char* EditedLines::show_prompt(EditLine* editor) {
  return of(editor).prompt_.data();
}

std::string EditedLines::before_cursor(EditLine* editor) {
  const LineInfo* line = ::el_line(editor);
  return {line->buffer, line->cursor};
}

// The editor knows nothing of it: it stands behind the cursor while a key is awaited, and is wiped away before the
// editor sees that key. So it is never left over, and nothing that is typed takes its colour.
bool EditedLines::show_hint(EditLine* editor) {
  const LineInfoW* const line = ::el_wline(editor);
  if (line->cursor != line->lastchar) return false;
  const std::string before = before_cursor(editor);
  std::string text = hint(before);
  if (text.empty()) return false;
  if (!before.ends_with(' ')) text.insert(0, " ");
  winsize window{};
  constexpr unsigned kUsualColumns = 80;
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col != 0;
  const std::size_t columns = known ? window.ws_col : kUsualColumns;
  std::size_t used = of(editor).prompt_.size();
  for (const wchar_t* at = line->buffer; at != line->lastchar; ++at)
    used += static_cast<std::size_t>(std::max(::wcwidth(*at), 1));
  // The last column stays free: a terminal may go on to the next line when it is written to.
  constexpr std::size_t kLeast = 8;
  if (used + kLeast >= columns) return false;
  const std::size_t room = columns - used - 1;
  const std::string shown = text.size() <= room ? text : text.substr(0, room - 3) + "...";
  std::fputs(("\x1b\x37\x1b[2m" + shown + "\x1b[0m\x1b\x38").c_str(), stdout);
  std::fflush(stdout);
  return true;
}

void EditedLines::wipe_hint() {
  std::fputs("\x1b[K", stdout);
  std::fflush(stdout);
}

/// Reads one character; a signal is turned into the end of the line or of the input.
int EditedLines::read_character(EditLine* editor, wchar_t* to) {
  EditedLines& self = of(editor);
  const bool hinted = show_hint(editor);
  const auto wiping = [hinted](int result) {
    if (hinted) wipe_hint();
    return result;
  };
  std::mbstate_t state{};
  for (;;) {
    const bool ready = wait_for_input();
    if (end_requested != 0) return wiping(0);
    if (interrupted != 0) {
      interrupted = 0;
      self.dropped_ = true;
      *to = L'\n';
      return wiping(1);
    }
    char byte = 0;
    const ssize_t got = ready ? ::read(STDIN_FILENO, &byte, 1) : 0;
    if (got == 0) return wiping(0);
    if (got < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return wiping(-1);
    }
    const std::size_t converted = std::mbrtowc(to, &byte, 1, &state);
    if (converted == static_cast<std::size_t>(-2)) continue;  // The character goes on.
    if (converted == static_cast<std::size_t>(-1)) {          // Not in this locale: skip it.
      state = {};
      continue;
    }
    return wiping(1);
  }
}

unsigned char EditedLines::complete(EditLine* editor, int) {
  const std::string line = before_cursor(editor);
  const std::vector<std::string> found = completions(line);
  if (found.empty()) return CC_REFRESH_BEEP;
  const auto blank = line.find_last_of(" \t");
  const std::size_t begun = line.size() - (blank == std::string::npos ? 0 : blank + 1);
  std::string common = found.front();
  for (const std::string& one : found) {
    const auto differ = std::ranges::mismatch(common, one);
    common.resize(static_cast<std::size_t>(differ.in1 - common.begin()));
  }
  std::string rest = common.substr(std::min(begun, common.size()));
  if (found.size() == 1) rest += ' ';
  if (!rest.empty()) return ::el_insertstr(editor, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  std::string list = "\n";
  for (const std::string& one : found) list.append(one).append("  ");
  list += '\n';
  std::fwrite(list.data(), 1, list.size(), stdout);
  return CC_REDISPLAY;
}

void EditedLines::remember(const std::string& line) {
  if (line.find_first_not_of(" \t") == std::string::npos || is_secret(line)) return;
  HistEvent event;
  ::history(history_, &event, H_ENTER, line.c_str());
  // Written at once: a shell that is killed forgets nothing. libedit gives the file mode 0600.
  if (!history_path_.empty()) ::history(history_, &event, H_SAVE, history_path_.c_str());
}

std::optional<std::string> EditedLines::next(std::string_view prompt) {
  prompt_ = prompt;
  dropped_ = false;
  int count = 0;
  const char* text = ::el_gets(editor_, &count);
  if (text == nullptr || count <= 0) {
    std::fputc('\n', stdout);
    return std::nullopt;
  }
  std::string line(text, static_cast<std::size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (dropped_) return std::string();
  remember(line);
  return line;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);  // No SA_RESTART: a read must return.
}

}  // namespace

std::unique_ptr<LineSource> pipe_lines() {
  return std::make_unique<PipeLines>();
}
std::unique_ptr<LineSource> edited_lines(const std::string& history_path) {
  return std::make_unique<EditedLines>(history_path);
}

void end_input_on_signals() {
  handle(SIGTERM, on_end);
  handle(SIGHUP, on_end);
  handle(SIGINT, on_interrupt);
}

}  // namespace stave::shell
