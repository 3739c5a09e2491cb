#include "daemon/export/status_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <optional>
#include <vector>

#include "daemon/base/duration.hpp"
#include "daemon/model/consumers.hpp"
#include "daemon/model/wires.hpp"

namespace qw::exporting {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>quorumwatch</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="10">
<style>
:root{color-scheme:light dark;--line:#ccc;--good:#17692b;--part:#8a5a00;--bad:#b3151b;--soft:#666}
@media (prefers-color-scheme:dark){:root{--line:#444;--good:#6fcf86;--part:#e6b450;--bad:#ff8080;--soft:#aaa}}
body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:75rem;padding:1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:1.5rem 0 0}nav a{margin-right:1rem}table{border-collapse:collapse;width:100%;margin-top:1rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
ul{margin:0;padding-left:1.1rem}.good{color:var(--good)}.part{color:var(--part)}.bad{color:var(--bad)}
.good,.part,.bad{font-weight:600}.soft{color:var(--soft);font-size:.85em}
@media (max-width:45rem){thead{display:none}tr,td{display:block}td{border:0;padding:.1rem 0}
tr{border-bottom:1px solid var(--line);padding:.6rem 0}td[data-n]::before{content:attr(data-n) ": ";color:var(--soft)}}
</style></head><body><h1>quorumwatch</h1>
<nav><a href="/metrics">metrics</a><a href="/api/v1/targets">targets as JSON</a><a href="/-/healthy">healthy</a><a href="/-/ready">ready</a></nav>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// What the members of a round said last about who leads.
struct Leadership {
  std::vector<std::string_view> leaders;
  std::optional<std::uint64_t> epoch;  // of the leaders, or the newest that anybody knows
};

Leadership leadership_of(const Facts& facts) {
  // A member may have been asked again in the round: its last word counts.
  std::map<std::string_view, const LeadershipClaim*> last;
  for (const auto& claim : facts.claims) last[claim.member] = &claim;
  Leadership leadership;
  std::optional<std::uint64_t> of_leaders;
  for (const auto& [member, claim] : last) {
    leadership.epoch = std::max(leadership.epoch, claim->tenure.epoch);
    if (claim->claim != Claim::leader) continue;
    leadership.leaders.push_back(member);
    of_leaders = std::max(of_leaders, claim->tenure.epoch);
  }
  if (of_leaders) leadership.epoch = of_leaders;
  return leadership;
}

std::string state_of(const Round& round) {
  if (!round.success) return R"(<span class="bad">failed</span>)";
  if (!round.facts.unanswered.empty()) return R"(<span class="part">partly</span>)";
  return R"(<span class="good">good</span>)";
}

void append_reasons(std::string& out, const Round& round) {
  if (round.reason.empty() && round.facts.unanswered.empty()) return;
  out += R"(<td data-n="unanswered"><ul>)";
  if (!round.reason.empty()) fmt::format_to(std::back_inserter(out), "<li>{}</li>", escaped(round.reason));
  for (const auto& unanswered : round.facts.unanswered) {
    fmt::format_to(std::back_inserter(out), "<li>{}: {}</li>", escaped(unanswered.member),
                   escaped(unanswered.error.message()));
  }
  out += "</ul></td>";
}

void append_row(std::string& out, const Round& round, SteadyTime now) {
  const auto leadership = leadership_of(round.facts);
  std::string leaders;
  for (const auto leader : leadership.leaders) {
    if (!leaders.empty()) leaders += "<br>";
    leaders += escaped(leader);
  }
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - round.started);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(round.finished - round.started);
  fmt::format_to(std::back_inserter(out),
                 R"(<tr><td><strong>{}</strong><br><span class="soft">{}</span></td><td>{}</td>)",
                 escaped(round.target.name), escaped(round.target.system), state_of(round));
  fmt::format_to(std::back_inserter(out),
                 R"(<td data-n="last round">{} ago<br><span class="soft">{}, took {}</span></td>)",
                 format_duration(age), format_time(round.at), format_duration(took));
  fmt::format_to(std::back_inserter(out), R"(<td data-n="leader">{}</td><td data-n="epoch">{}</td>)",
                 leaders.empty() ? "none known" : leaders,
                 leadership.epoch ? fmt::format("{}", *leadership.epoch) : "unknown");
  append_reasons(out, round);
  out += "</tr>\n";
}

/// The worst consumers of a target, if it has any.
void append_consumers(std::string& out, const Round& round) {
  constexpr std::size_t kMost = 20;
  const auto consumers = consumers_of(round.samples);
  if (consumers.empty()) return;
  fmt::format_to(std::back_inserter(out),
                 "<h2>{}: consumers</h2>\n<table><thead><tr><th>group</th><th>topic</th>",
                 escaped(round.target.name));
  out += "<th>status</th><th>lag</th><th>behind</th><th>why</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < consumers.size() && i < kMost; ++i) {
    const auto& row = consumers[i];
    fmt::format_to(std::back_inserter(out),
                   R"(<tr><td>{}</td><td data-n="topic">{}</td><td><span class="{}">{}</span></td>)",
                   escaped(row.group), escaped(row.topic), row.status == ConsumerStatus::ok ? "good" : "bad",
                   name(row.status));
    fmt::format_to(std::back_inserter(out),
                   R"(<td data-n="lag">{}</td><td data-n="behind">{}</td><td>{}</td></tr>)",
                   row.messages ? fmt::format("{:.0f}", *row.messages) : "unknown",
                   row.seconds ? fmt::format("{:.1f} s", *row.seconds) : "unknown", escaped(describe(row)));
    out += '\n';
  }
  out += "</tbody></table>\n";
  if (consumers.size() > kMost) {
    fmt::format_to(std::back_inserter(out), R"(<p class="soft">and {} more</p>)", consumers.size() - kMost);
  }
}

/// "120 us", "3.4 ms".
std::string small_time(const std::optional<double>& seconds) {
  if (!seconds) return "unknown";
  return *seconds < 0.001 ? fmt::format("{:.0f} us", *seconds * 1e6)
                          : fmt::format("{:.1f} ms", *seconds * 1e3);
}

/// The way to each node, those in trouble first.
void append_wires(std::string& out, const Round& round) {
  constexpr std::size_t kMost = 100;
  const auto wires = wires_of(round.samples);
  if (wires.empty()) return;
  fmt::format_to(std::back_inserter(out),
                 "<h2>{}: peers</h2>\n<table><thead><tr><th>peer</th><th>method</th><th>round trip</th>",
                 escaped(round.target.name));
  out += "<th>jitter</th><th>lost in the last minute</th><th>what is wrong</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < wires.size() && i < kMost; ++i) {
    const auto& row = wires[i];
    fmt::format_to(
        std::back_inserter(out),
        R"(<tr><td>{}</td><td data-n="method">{}</td><td data-n="round trip">{}</td><td data-n="jitter">{}</td>)",
        escaped(row.member), escaped(row.method), small_time(row.seconds), small_time(row.jitter_seconds));
    fmt::format_to(std::back_inserter(out),
                   R"(<td data-n="lost">{:.2f} % of {:.0f}</td><td><span class="{}">{}</span></td></tr>)",
                   row.loss_ratio.value_or(0) * 100, row.loss_samples.value_or(0),
                   in_trouble(row) ? "bad" : "soft", escaped(describe(row)));
    out += '\n';
  }
  out += "</tbody></table>\n";
  if (wires.size() > kMost) {
    fmt::format_to(std::back_inserter(out), R"(<p class="soft">and {} more</p>)", wires.size() - kMost);
  }
}

}  // namespace

std::string format_time(WallTime time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto whole = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t at = whole.count();
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  std::array<char, 64> text;
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), (since_epoch - whole).count());
}

std::string status_page(const store::Snapshot& snapshot, WallTime now_wall, SteadyTime now) {
  std::string out(kHead);
  fmt::format_to(std::back_inserter(out), R"(<p class="soft">{} targets at {}</p>)", snapshot.rounds.size(),
                 format_time(now_wall));
  if (snapshot.rounds.empty()) {
    out += "<p>No target has been asked yet.</p></body></html>\n";
    return out;
  }
  out +=
      "\n<table><thead><tr><th>target</th><th>state</th><th>last round</th><th>leader</th><th>epoch</th>"
      "<th>unanswered</th></tr></thead><tbody>\n";
  for (const auto& round : snapshot.rounds) append_row(out, *round, now);
  out += "</tbody></table>\n";
  for (const auto& round : snapshot.rounds) append_wires(out, *round);
  for (const auto& round : snapshot.rounds) append_consumers(out, *round);
  out += "</body></html>\n";
  return out;
}

}  // namespace qw::exporting
