#include "daemon/journal/journal_search.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <utility>

#include "daemon/base/stable_sort.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/journal_files.hpp"
#include "daemon/journal/report.hpp"

namespace qw::journal {
namespace {

constexpr std::size_t kBlock = 256U << 10U;
/// Where to begin in a file is found as exactly as this.
constexpr std::size_t kNear = 16U << 10U;

WallTime whole_millisecond(WallTime at) {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()));
}

/// A file whose lines are read from the last one to the first.
class Backwards {
 public:
  explicit Backwards(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)), end_(size()) {}
  ~Backwards() {
    if (file_ >= 0) ::close(file_);
  }
  Backwards(const Backwards&) = delete;
  Backwards& operator=(const Backwards&) = delete;

  /// Passes over what was written after this, by halving. A stretch without any event ends it early.
  void skip_after(WallTime time) {
    const auto [first, anywhere] = first_event(0, end_);
    if (first && *first >= time) end_ = 0;
    std::size_t low = 0, high = end_;
    while (high - low > kNear) {
      const auto [at, begins] = first_event(low + (high - low) / 2, high);
      if (!at) break;
      (*at >= time ? high : low) = begins;
    }
    end_ = high;
  }

  /// Gives the lines on, the last one first, until `take` says that it has enough or `bytes` are read. False:
  /// there is more.
  bool read(std::size_t& bytes, const std::function<bool(std::string_view)>& take) {
    std::string rest;  // the beginning of what was read, whose own beginning is not there yet
    while (end_ > 0) {
      if (bytes == 0) return false;
      const auto size = std::min({kBlock, end_, bytes});
      auto block = read_at(end_ - size, size);
      if (block.size() != size) return true;  // deleted, or cut off meanwhile
      end_ -= size;
      bytes -= size;
      block += rest;
      for (auto line_end = block.size(); line_end > 0;) {
        const auto before = block.rfind('\n', line_end - 1);
        if (before == std::string::npos) {
          block.resize(line_end);
          break;
        }
        const std::string_view line(block.data() + before + 1, line_end - before - 1);
        if (!line.empty() && !take(line)) return false;
        line_end = before;
        if (line_end == 0) block.clear();
      }
      // What is longer than any line of ours is none.
      rest = block.size() > kMaxLine ? "" : std::move(block);
    }
    return rest.empty() || take(rest);
  }

 private:
  std::size_t size() const {
    const auto at = file_ < 0 ? -1 : ::lseek(file_, 0, SEEK_END);
    return at < 0 ? 0 : static_cast<std::size_t>(at);
  }
  std::string read_at(std::size_t from, std::size_t size) const {
    std::string out(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const auto got = ::pread(file_, out.data() + done, size - done, static_cast<off_t>(from + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    out.resize(done);
    return out;
  }
  /// The first event whose line begins at or after `from` and well before `to`, and where.
  std::pair<std::optional<WallTime>, std::size_t> first_event(std::size_t from, std::size_t to) const {
    const auto block = read_at(from, std::min(2 * kMaxLine, to - from));
    // In the middle of a line, but at the beginning of the file.
    auto begins = from == 0 ? 0 : block.find('\n') + 1;
    while (begins < block.size() && (begins > 0 || from == 0)) {
      const auto ends = block.find('\n', begins);
      if (ends == std::string::npos) break;
      const auto event = decode_event(std::string_view(block).substr(begins, ends - begins));
      if (event) return {event->at, from + begins};
      begins = ends + 1;
    }
    return {};
  }

  int file_;
  std::size_t end_;  ///< all from here on has been read, or is not wanted
};

/// What was found so far, and whether that is all that anybody wants.
class Collector {
 public:
  Collector(const Search& search, std::span<const Event> recent) : search_(search) {
    for (const auto& event : recent) recent_.emplace(event.at, &event);
  }

  bool take(std::string_view line) {
    auto event = decode_event(line);
    if (!event) return true;
    oldest_ = event->at;
    const bool enough = events_.size() > search_.limit && event->at < events_[search_.limit].at - kToldLate;
    const bool too_many = events_.size() > 2 * search_.limit + kSpare;
    if (matches(*event, search_) && !is_recent(*event)) events_.push_back(std::move(*event));
    return !enough && !too_many && *oldest_ >= earliest();
  }
  std::vector<Event> events() { return std::move(events_); }
  std::optional<WallTime> oldest() const { return oldest_; }
  bool reached_since() const { return oldest_ && *oldest_ < earliest(); }

 private:
  static constexpr std::size_t kSpare = 256;
  WallTime earliest() const {
    return search_.since < WallTime::min() + kToldLate ? WallTime::min() : search_.since - kToldLate;
  }
  bool is_recent(const Event& event) const {
    const auto [from, to] = recent_.equal_range(event.at);
    return std::any_of(from, to, [&](const auto& entry) { return *entry.second == event; });
  }

  const Search& search_;
  std::multimap<WallTime, const Event*> recent_;
  std::vector<Event> events_;
  std::optional<WallTime> oldest_;
};

}  // namespace

bool matches(const Event& event, const Search& search) {
  if (event.at < search.since || event.at >= search.until) return false;
  if (search.kind && event.kind != *search.kind) return false;
  return is_about(event, search.target);
}

Found newest_of(std::vector<Event> events, const Search& search) {
  Found out;
  std::erase_if(events, [&](const Event& event) { return !matches(event, search); });
  sort_stably(events, &Event::at);
  if (events.size() > search.limit) {
    const auto from = whole_millisecond(events[events.size() - search.limit].at);
    const auto first = std::ranges::lower_bound(events, from, {}, &Event::at);
    if (first != events.begin()) out.older_than = from;
    events.erase(events.begin(), first);
  }
  out.events = std::move(events);
  return out;
}

Result<Found> search_journal(const std::string& folder, const Search& search, std::span<const Event> recent,
                             std::size_t most_bytes) {
  const auto files = list_journal(folder);
  if (!files) return std::unexpected(files.error());
  Collector collector(search, recent);
  bool all = true;
  for (auto file = files->rbegin(); file != files->rend() && all; ++file) {
    Backwards lines(file->path);
    if (search.until < WallTime::max() - kToldLate) lines.skip_after(search.until + kToldLate);
    all = lines.read(most_bytes, [&](std::string_view line) { return collector.take(line); });
  }
  const auto oldest = collector.oldest();
  auto events = collector.events();
  events.insert(events.end(), recent.begin(), recent.end());
  auto out = newest_of(std::move(events), search);
  if (!all && !collector.reached_since() && !out.older_than && oldest) {
    out.older_than = whole_millisecond(*oldest) + kToldLate;
  }
  return out;
}

}  // namespace qw::journal
