#include "daemon/model/replicas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "daemon/base/duration.hpp"

namespace qw {
namespace {

using Field = std::optional<double> ReplicaRow::*;
constexpr std::pair<std::string_view, Field> kOfReplica[] = {
    {"quorumwatch_replication_lag_seconds", &ReplicaRow::seconds},
    {"quorumwatch_replication_lag_bytes", &ReplicaRow::bytes},
    {"quorumwatch_replication_lag_entries", &ReplicaRow::entries},
    {"quorumwatch_replication_link_up", &ReplicaRow::link_up},
    {"quorumwatch_replication_lag_is_lower_bound", &ReplicaRow::lower_bound},
};
/// A replica that applies what comes is behind by the time on the way and by the time between two looks.
constexpr double kBehind = 1;

bool is_cut_off(const ReplicaRow& row) {
  return row.link_up == 0.0;
}

std::string distance(const ReplicaRow& row) {
  if (row.bytes) return fmt::format(" ({:.0f} bytes)", *row.bytes);
  return row.entries ? fmt::format(" ({:.0f} entries)", *row.entries) : "";
}

}  // namespace

std::vector<ReplicaRow> replicas_of(std::span<const Sample> samples) {
  std::map<std::string_view, ReplicaRow> rows;
  for (const auto& [series, value] : samples) {
    const auto known =
        std::ranges::find(kOfReplica, series->family->name, &std::pair<std::string_view, Field>::first);
    if (known != std::end(kOfReplica)) rows[series->labels.get("member")].*known->second = value;
  }
  std::vector<ReplicaRow> out;
  out.reserve(rows.size());
  for (auto& [member, row] : rows) {
    row.member = member;
    out.push_back(std::move(row));
  }
  std::ranges::sort(out, {}, [](const ReplicaRow& row) {
    return std::tuple(!is_cut_off(row), -row.seconds.value_or(0), std::string_view(row.member));
  });
  return out;
}

std::string describe(const ReplicaRow& row) {
  const bool behind = row.seconds.value_or(0) >= kBehind;
  const auto how_far = behind
                           ? fmt::format("{}{} behind{}", row.lower_bound.value_or(0) == 1 ? "at least " : "",
                                         spoken_duration(*row.seconds), distance(row))
                           : "";
  if (!is_cut_off(row)) return row.seconds || row.link_up ? how_far : "nobody knows how far it is behind";
  return "its link to the leader is down" + (behind ? "; " + how_far : "");
}

}  // namespace qw
