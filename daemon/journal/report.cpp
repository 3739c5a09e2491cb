#include "daemon/journal/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/base/duration.hpp"
#include "daemon/base/rfc3339.hpp"
#include "daemon/base/stable_sort.hpp"
#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/incidents.hpp"

namespace qw::journal {
namespace {

/// A report that nobody can read helps nobody: the first lines say most.
constexpr std::size_t kMostLines = 2000;
/// Evidence that is told as words already.
constexpr std::string_view kNotShown[] = {"lasted_seconds", "description", "runbook_url", "alertname",
                                          "reason"};

std::string date_time(WallTime time) {
  const auto text = print_timestamp(time);
  return text.substr(0, 10) + " " + text.substr(11, 8);
}
/// To the millisecond.
std::string time_of_day(WallTime time) {
  return print_timestamp(time).substr(11, 12);
}
std::string day_of(WallTime time) {
  return print_timestamp(time).substr(0, 10);
}
std::string spoken(Nanoseconds duration) {
  return spoken_duration(seconds(duration));
}

std::string target_of(const Event& event) {
  if (event.target.system.empty() && event.target.name.empty()) return "";
  return escape_markdown(event.target.system + " " + event.target.name);
}
/// "**etcd control-plane** 10.0.0.1:2379"
std::string whom(const Event& event) {
  auto out = target_of(event);
  if (!out.empty()) out = "**" + out + "**";
  if (!event.subject.empty()) out += (out.empty() ? "" : " ") + escape_markdown(event.subject);
  return out.empty() ? "the daemon" : out;
}
std::string sentence(const Event& event) {
  return whom(event) + ": " + escape_markdown(event.text);
}

std::string evidence_of(const Event& event) {
  std::string out;
  for (const auto& [fact, value] : event.evidence) {
    if (std::ranges::find(kNotShown, std::string_view(fact)) != std::end(kNotShown)) continue;
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", escape_markdown(fact), escape_markdown(value));
  }
  return out;
}

bool is_of_alerts(Kind kind) {
  return kind == Kind::alert || kind == Kind::delivery || kind == Kind::daemon;
}

class Report {
 public:
  Report(std::vector<Event> events, const ReportOptions& options)
      : events_(std::move(events)), options_(options), gaps_(find_gaps(events_, options)) {
    // Rounds of several targets end in another order than they begin.
    sort_stably(events_, &Event::at);
    for (const auto& event : events_) {
      const bool within = event.at >= options.from && event.at <= options.to;
      if (within && (event.kind == Kind::daemon || is_about(event, options.target))) shown_.push_back(event);
    }
    for (auto& one : find_incidents(events_, options.from, options.to)) {
      if (is_about(one.began, options.target)) incidents_.push_back(std::move(one));
    }
  }

  std::string write() {
    head();
    summary();
    sequences();
    timeline();
    alerts();
    unknown();
    gaps();
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void head() {
    line("# Incident report\n");
    line("{} to {} UTC ({}), {}.\n", date_time(options_.from), date_time(options_.to),
         spoken(options_.to - options_.from),
         options_.target.empty() ? "all targets" : "target " + escape_markdown(options_.target));
    line(
        "Written from the journal of the daemon. Times are those of its machine's clock, at the beginning of "
        "the round that showed something: it may have begun up to one interval earlier. What stands before "
        "something else came before it in time, which does not make it the cause; differences shorter than "
        "an interval say nothing about the order.\n");
    if (options_.skipped_lines > 0) {
      line("{} lines of the journal were damaged and are missing here.\n", options_.skipped_lines);
    }
  }

  /// Whether it is open, over, or over as far as anybody knows.
  std::string state_of(const Incident& one) const {
    if (one.ended) return "over since " + date_time(one.ended->at);
    const bool watched = gaps_.empty() || gaps_.back().to < options_.to;
    return watched ? "**still so**" : "not known: the daemon is down";
  }

  void summary() {
    line("## Summary\n");
    std::vector<const Incident*> wrong;
    for (const auto& one : incidents_) {
      if (!is_of_alerts(one.began.kind)) wrong.push_back(&one);
    }
    if (wrong.empty()) {
      line("Nothing was wrong that lasted, as far as the daemon looked.\n");
    } else {
      sort_stably(wrong, [](const Incident* one) { return -static_cast<int>(one->began.severity); });
      line("| severity | what | from (UTC) | lasted | now |\n|---|---|---|---|---|");
      for (std::size_t i = 0; i < wrong.size() && i < kMostLines; ++i) {
        const auto& one = *wrong[i];
        const auto until = one.ended ? one.ended->at : options_.to;
        line("| {} | {} | {} | {}{} | {} |", name(one.began.severity), sentence(one.began),
             date_time(one.began.at), spoken(until - one.began.at), one.ended ? "" : " so far",
             state_of(one));
      }
      out_ += '\n';
    }
    const auto count = [&](Kind kind, std::string_view what) {
      return std::ranges::count_if(shown_, [&](const Event& e) {
        return e.kind == kind && e.what == what && e.change != Change::ended;
      });
    };
    line(
        "Elections: {} planned, {} unplanned, {} of unknown cause, {} without a leader (events; one may tell "
        "of several). Alerts that began to fire: {}.\n",
        count(Kind::election, "planned"), count(Kind::election, "unplanned"),
        count(Kind::election, "unknown"), count(Kind::election, "failed"), count(Kind::alert, "firing"));
  }

  void sequences() {
    line("## What came before what\n");
    const auto found = find_sequences(events_, shown_);
    if (found.empty()) {
      line("Nothing was seen in the five minutes before a leader was lost, or no leader was lost.\n");
      return;
    }
    line("An order in time, not a cause. Of other targets too, as far as the journal tells of them.\n");
    for (const auto& [effect, before] : found) {
      line("* **{}** {}", time_of_day(effect.at), sentence(effect));
      for (const auto& one : before) {
        if (one.before == Nanoseconds(0)) {
          line("  * in the same round: {}", sentence(one.event));
        } else {
          line("  * {} before{}: {}", spoken(one.before), one.open ? ", and still so" : "",
               sentence(one.event));
        }
      }
    }
    out_ += '\n';
  }

  void timeline() {
    line("## Timeline\n");
    if (shown_.empty()) line("Nothing changed.");
    std::string day;
    std::size_t lines = 0;
    for (const auto& event : shown_) {
      if (++lines > kMostLines) {
        line("* {} more events are left out: ask for a shorter time, or for one target",
             shown_.size() - kMostLines);
        break;
      }
      if (const auto today = day_of(event.at); today != day) {
        line("{}### {}\n", day.empty() ? "" : "\n", today);
        day = today;
      }
      const auto change = event.change == Change::happened ? "" : fmt::format(" *{}*", name(event.change));
      line("* **{}** {}{} {}", time_of_day(event.at), name(event.severity), change, sentence(event));
      if (const auto evidence = evidence_of(event); !evidence.empty()) line("  ({})", evidence);
    }
    out_ += '\n';
  }

  /// When an Alertmanager took what had changed at `at`; the first to do so.
  std::string acknowledged(WallTime at) const {
    for (const auto& event : events_) {
      if (event.kind != Kind::delivery || event.what != "acknowledged" || event.at < at) continue;
      return fmt::format("after {} by {}", spoken(event.at - at), escape_markdown(event.subject));
    }
    return "by nobody";
  }

  void alerts() {
    line("## Alerts and their delivery\n");
    bool any = false;
    for (const auto& one : incidents_) {
      if (one.began.kind != Kind::alert || one.began.what != "firing") continue;
      if (!std::exchange(any, true))
        line("| alert | fired (UTC) | lasted | acknowledged |\n|---|---|---|---|");
      const auto until = one.ended ? one.ended->at : options_.to;
      line("| {} | {} | {}{} | {} |", whom(one.began), date_time(one.began.at), spoken(until - one.began.at),
           one.ended ? "" : ", fires still", acknowledged(one.began.at));
    }
    if (!any) line("No alert fired.");
    out_ += '\n';
    bool told = false;
    for (const auto& event : events_) {
      if (event.kind != Kind::delivery || event.what == "acknowledged") continue;
      if (event.at < options_.from || event.at > options_.to) continue;
      told = true;
      line("* **{}** {}", time_of_day(event.at), sentence(event));
    }
    if (told) out_ += '\n';
  }

  void unknown() {
    line("## What was unknown\n");
    bool any = false;
    for (const auto& one : incidents_) {
      const bool silent =
          one.began.kind == Kind::target && (one.began.what == "silent" || one.began.what == "member_silent");
      const bool alert = one.began.kind == Kind::alert && one.began.what == "unknown";
      if (!silent && !alert) continue;
      any = true;
      line("* {} to {}: {}", date_time(one.began.at), one.ended ? date_time(one.ended->at) : "now",
           sentence(one.began));
    }
    if (!any) line("Everybody answered, as far as the daemon looked.");
    out_ += '\n';
  }

  void gaps() {
    line("## When the daemon itself was down\n");
    if (gaps_.empty()) line("It ran all the time, as far as the journal tells.");
    for (const auto& gap : gaps_) {
      line("* {} to {} UTC ({}): {}", date_time(gap.from), date_time(gap.to), spoken(gap.to - gap.from),
           gap.in_order ? "it was stopped" : "it ended without a word (killed, or its machine was)");
    }
  }

  std::vector<Event> events_;
  const ReportOptions& options_;
  std::vector<Gap> gaps_;
  std::vector<Event> shown_;
  std::vector<Incident> incidents_;
  std::string out_;
};

}  // namespace

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view kMeaningful = "\\`*_[]()<>#!|~&@$";
  const auto safe = sanitize(text, kMaxText);
  std::string out;
  for (std::size_t i = 0; i < safe.size(); ++i) {
    // What would become a link by itself.
    const auto rest = std::string_view(safe).substr(i);
    const bool link = rest.starts_with("://") || (rest.starts_with('.') && out.ends_with("www"));
    if (link || kMeaningful.contains(safe[i])) out += '\\';
    out += safe[i];
  }
  return out;
}

bool is_about(const Event& event, std::string_view wanted) {
  if (wanted.empty() || wanted == event.target.name) return true;
  return wanted == event.target.system + "/" + event.target.name;
}

std::string write_report(std::vector<Event> events, const ReportOptions& options) {
  return Report(std::move(events), options).write();
}

}  // namespace qw::journal
