#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/model/consumers.hpp"
#include "daemon/model/replicas.hpp"
#include "daemon/status/drawings.hpp"
#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kReplicas{.rows = 20, .bytes = 7'000};
constexpr RowList::Limits kConsumers{.rows = 20, .bytes = 7'000};
constexpr std::string_view kReplicaLag = "quorumwatch_replication_lag_seconds";
constexpr std::string_view kConsumerLag = "quorumwatch_consumer_lag_seconds";

struct Replica {
  const Round* round;
  ReplicaRow row;
  std::string wrong;
};
struct Consumer {
  const Round* round;
  ConsumerRow row;
};

struct Replicas {
  std::vector<Replica> behind;
  std::size_t all = 0;
};
struct Consumers {
  std::vector<Consumer> behind;
  std::size_t all = 0;
};

Replicas find_replicas(const store::Snapshot& snapshot) {
  Replicas out;
  for (const auto& round : snapshot.rounds) {
    for (auto& row : replicas_of(round->samples)) {
      ++out.all;
      auto wrong = describe(row);
      if (!wrong.empty()) out.behind.push_back({round.get(), std::move(row), std::move(wrong)});
    }
  }
  std::ranges::sort(out.behind, {}, [](const Replica& replica) {
    return std::tuple<bool, double, const TargetId&, const std::string&>(
        replica.row.link_up != 0.0, -replica.row.seconds.value_or(0), replica.round->target,
        replica.row.member);
  });
  return out;
}

Consumers find_consumers(const store::Snapshot& snapshot) {
  Consumers out;
  for (const auto& round : snapshot.rounds) {
    for (auto& row : consumers_of(round->samples)) {
      ++out.all;
      if (row.status != ConsumerStatus::ok) out.behind.push_back({round.get(), std::move(row)});
    }
  }
  std::ranges::sort(out.behind, {}, [](const Consumer& consumer) {
    const auto& row = consumer.row;
    return std::tuple<ConsumerStatus, double, const TargetId&, const std::string&, const std::string&>(
        row.status, -row.seconds.value_or(0), consumer.round->target, row.group, row.topic);
  });
  return out;
}

/// The series of the row, or null; only called for the few rows that are shown.
SeriesPtr find_series(const Round& round, std::string_view family,
                      std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  for (const auto& [series, value] : round.samples) {
    if (series->family->name != family) continue;
    const auto same = [&](const auto& label) { return series->labels.get(label.first) == label.second; };
    if (std::ranges::all_of(labels, same)) return series;
  }
  return nullptr;
}
SeriesPtr series_of(const Replica& replica) {
  return find_series(*replica.round, kReplicaLag, {{"member", replica.row.member}});
}
SeriesPtr series_of(const Consumer& consumer) {
  return find_series(*consumer.round, kConsumerLag,
                     {{"consumer_group", consumer.row.group}, {"topic", consumer.row.topic}});
}

const Trend* trend_of(const View& view, const SeriesPtr& series) {
  if (!series) return nullptr;
  const auto found = view.trends.find(series);
  return found == view.trends.end() ? nullptr : &found->second;
}

void write_head(Html& html, std::initializer_list<std::string_view> names) {
  const auto head = html.in("thead");
  const auto line = html.in("tr");
  for (const auto name : names) html.leaf("th", {{"scope", "col"}}, name);
}

void write_trend(Html& html, const Trend* trend) {
  const auto cell = html.in("td", {{"data-n", "lately"}});
  if (trend) write_sparkline(html, *trend, "lag");
}

void write_catch_up(Html& html, const std::optional<double>& seconds) {
  html.leaf("td", {{"data-n", "catches up in"}, {"class", "number"}},
            seconds ? "about " + duration(seconds) : "not as it is");
}

void write_replica(Html& html, const Replica& replica, const View& view) {
  const auto line = html.in("tr");
  {
    const auto cell = html.in("th", {{"scope", "row"}});
    write_target(html, replica.round->target);
    html.leaf("div", {{"class", "member"}}, replica.row.member);
  }
  html.leaf("td", {{"data-n", "behind"}, {"class", "number"}}, duration(replica.row.seconds));
  const auto* trend = trend_of(view, series_of(replica));
  write_trend(html, trend);
  write_catch_up(html, trend ? seconds_to_zero(*trend) : std::nullopt);
  const auto cell = html.in("td", {{"data-n", "why"}});
  html.leaf("span", {{"class", "bad"}}, replica.wrong);
}

void write_consumer(Html& html, const Consumer& consumer, const View& view) {
  const auto& row = consumer.row;
  const auto line = html.in("tr");
  {
    const auto cell = html.in("th", {{"scope", "row"}});
    write_target(html, consumer.round->target);
    html.leaf("div", {{"class", "member"}}, row.group + " on " + row.topic);
  }
  {
    const auto cell = html.in("td", {{"data-n", "behind"}, {"class", "number"}});
    html.text(duration(row.seconds));
    html.leaf("p", {{"class", "soft"}}, number(row.messages) + " messages");
  }
  const auto* trend = trend_of(view, series_of(consumer));
  write_trend(html, trend);
  write_catch_up(html, row.catch_up_seconds);
  const auto cell = html.in("td", {{"data-n", "why"}});
  html.leaf("span", {{"class", "bad"}}, name(row.status));
  html.text(": " + describe(row));
}

}  // namespace

void write_replicas(const View& view, Html& html) {
  const auto found = find_replicas(*view.snapshot);
  if (found.all == 0) return;
  const auto section = begin_section(html, "replicas", "Replicas behind");
  if (found.all > found.behind.size()) {
    html.leaf("p", {{"class", "soft"}},
              fmt::format("{} of {} keep up.", found.all - found.behind.size(), count(found.all, "replica")));
  }
  if (found.behind.empty()) return;
  RowList rows(html, kReplicas);
  {
    const auto table = html.in("table");
    write_head(html, {"replica", "behind", "lately", "catches up in", "why"});
    const auto body = html.in("tbody");
    for (const auto& replica : found.behind) {
      const auto write = [&](Html& row) { write_replica(row, replica, view); };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, found.behind.size(), " replicas are behind");
}

void write_consumers(const View& view, Html& html) {
  const auto found = find_consumers(*view.snapshot);
  if (found.all == 0) return;
  const auto section = begin_section(html, "consumers", "Consumers behind");
  if (found.all > found.behind.size()) {
    html.leaf(
        "p", {{"class", "soft"}},
        fmt::format("{} of {} keep up.", found.all - found.behind.size(), count(found.all, "consumer")));
  }
  if (found.behind.empty()) return;
  RowList rows(html, kConsumers);
  {
    const auto table = html.in("table");
    write_head(html, {"group and topic", "behind", "lately", "catches up in", "why"});
    const auto body = html.in("tbody");
    for (const auto& consumer : found.behind) {
      const auto write = [&](Html& row) { write_consumer(row, consumer, view); };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, found.behind.size(), " consumers are behind");
}

std::string replicas_behind(const View& view) {
  auto behind = find_replicas(*view.snapshot).behind;
  // What is a trouble by now is told as one.
  std::erase_if(behind, [&](const Replica& replica) {
    return std::ranges::any_of(view.conditions, [&](const journal::Condition& condition) {
      return condition.kind == journal::Kind::replication && condition.severity != journal::Severity::info &&
             condition.target == replica.round->target && condition.subject == replica.row.member;
    });
  });
  if (behind.empty()) return {};
  const auto& worst = behind.front();
  const auto& target = worst.round->target;
  // What is no trouble of its own: somebody has paused it.
  const auto reason = std::ranges::find_if(view.conditions, [&](const journal::Condition& condition) {
    return condition.kind == journal::Kind::replication && condition.severity == journal::Severity::info &&
           condition.target == target && condition.subject == worst.row.member;
  });
  return fmt::format("{} {} behind: {} {} {}{}{}.", count(behind.size(), "replica"),
                     behind.size() == 1 ? "is" : "are", target.system, target.name, worst.row.member,
                     behind.size() == 1 ? "" : " the furthest",
                     reason == view.conditions.end() ? "" : ": " + reason->text);
}

std::vector<SeriesPtr> wanted_trends(const store::Snapshot& snapshot) {
  std::vector<SeriesPtr> out;
  const auto take = [&out](const auto& behind, std::size_t most) {
    for (std::size_t i = 0; i < std::min(most, behind.size()); ++i) {
      if (auto series = series_of(behind[i])) out.push_back(std::move(series));
    }
  };
  take(find_replicas(snapshot).behind, kReplicas.rows);
  take(find_consumers(snapshot).behind, kConsumers.rows);
  return out;
}

}  // namespace qw::status
