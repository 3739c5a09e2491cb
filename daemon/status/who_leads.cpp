#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "daemon/model/leaders.hpp"
#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kRows{.rows = 40, .bytes = 11'000};

struct Cluster {
  const Round* round;
  LeadershipRow row;
  std::string wrong;
  const journal::Event* last_change = nullptr;
};

std::vector<Cluster> find_clusters(const View& view) {
  std::map<TargetId, const journal::Event*> last;
  if (view.events) {
    for (const auto& event : *view.events) {
      // Not that members disagreed, or that nobody led for a while: an election.
      const bool elected = event.kind == journal::Kind::election && event.change == journal::Change::happened;
      if (elected) last[event.target] = &event;
    }
  }
  std::vector<Cluster> out;
  for (const auto& round : view.snapshot->rounds) {
    auto row = leadership_of(round->samples);
    if (!row) continue;
    const auto change = last.find(round->target);
    auto wrong = describe(*row);
    out.push_back(
        {round.get(), std::move(*row), std::move(wrong), change == last.end() ? nullptr : change->second});
  }
  std::ranges::sort(out, {}, [](const Cluster& cluster) {
    return std::tuple<bool, const TargetId&>(cluster.wrong.empty(), cluster.round->target);
  });
  return out;
}

std::string leaders_of(const LeadershipRow& row) {
  std::string out;
  std::size_t leaders = 0;
  constexpr std::size_t kMost = 3;
  for (const auto& claim : row.claims) {
    if (!claim.leads || ++leaders > kMost) continue;
    out += (out.empty() ? "" : ", ") + claim.member;
  }
  if (leaders > kMost) out += fmt::format(" and {} more", leaders - kMost);
  if (leaders == 0) return row.claims.empty() ? "unknown" : "nobody";
  return out;
}

std::string elections_of(const LeadershipRow& row) {
  const std::pair<std::optional<double>, std::string_view> causes[] = {
      {row.planned, "planned"},
      {row.unplanned, "unplanned"},
      {row.unknown_cause, "of unknown cause"},
      {row.failed, "failed"}};
  std::string out;
  for (const auto& [number_of, cause] : causes) {
    if (number_of.value_or(0) == 0) continue;
    out += fmt::format("{}{:.0f} {}", out.empty() ? "" : ", ", *number_of, cause);
  }
  return out.empty() ? "none" : out;
}

std::string overlap_of(const LeadershipRow& row) {
  if (!row.overlap_lower_seconds) return {};
  const bool lasted = *row.overlap_lower_seconds > 0;
  std::string out = "two led at once";
  if (lasted) out += fmt::format(" for at least {}", duration(row.overlap_lower_seconds));
  if (row.overlap_upper_seconds)
    out += fmt::format(" {} at most {}", lasted ? "and" : "for", duration(row.overlap_upper_seconds));
  if (row.diverged_bytes.value_or(0) > 0) out += fmt::format("; {} differ", bytes(*row.diverged_bytes));
  return out;
}

void write_state(Html& html, const Cluster& cluster) {
  const auto cell = html.in("td", {{"data-n", "state"}});
  const bool good = cluster.wrong.empty();
  html.leaf("span", {{"class", good ? "good" : "bad"}}, good ? "\xE2\x9C\x93 one leader" : cluster.wrong);
  if (cluster.row.leaders != 1.0 && good) html.text(" as far as is known");
  const auto overlap = overlap_of(cluster.row);
  if (!overlap.empty()) html.leaf("p", {{"class", "soft"}}, overlap);
}

void write_change(Html& html, const Cluster& cluster, WallTime now) {
  const auto cell = html.in("td", {{"data-n", "since"}});
  if (cluster.last_change == nullptr) {
    html.leaf("span", {{"class", "soft"}}, "no change seen");
    return;
  }
  write_time(html, cluster.last_change->at, now);
  html.leaf("p", {{"class", "soft"}}, cluster.last_change->text);
}

void write_cluster(Html& html, const Cluster& cluster, WallTime now) {
  const auto& row = cluster.row;
  const auto line = html.in("tr");
  {
    const auto cell = html.in("th", {{"scope", "row"}});
    write_target(html, cluster.round->target);
  }
  html.leaf("td", {{"data-n", "leader"}}, leaders_of(row));
  html.leaf("td", {{"data-n", "epoch"}, {"class", "number"}}, number(row.epoch));
  write_state(html, cluster);
  write_change(html, cluster, now);
  html.leaf("td", {{"data-n", "elections"}}, elections_of(row));
}

}  // namespace

void write_who_leads(const View& view, Html& html) {
  const auto clusters = find_clusters(view);
  if (clusters.empty()) return;
  const auto section = begin_section(html, "leaders", "Who leads");
  RowList rows(html, kRows);
  {
    const auto table = html.in("table");
    {
      const auto head = html.in("thead");
      const auto line = html.in("tr");
      for (const std::string_view name :
           {"cluster", "leader", "epoch", "state", "since, and how", "elections"}) {
        html.leaf("th", {{"scope", "col"}}, name);
      }
    }
    const auto body = html.in("tbody");
    for (const auto& cluster : clusters) {
      const auto write = [&](Html& row) { write_cluster(row, cluster, view.wall); };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, clusters.size(), " clusters, all in order; see the targets below");
}

}  // namespace qw::status
