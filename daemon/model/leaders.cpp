#include "daemon/model/leaders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "daemon/base/duration.hpp"

namespace qw {
namespace {

using Field = std::optional<double> LeadershipRow::*;

struct Source {
  std::string_view family;
  std::string_view label, value;  ///< further label, where the family has one
  Field field;
};
constexpr Source kSources[] = {
    {"quorumwatch_leaders", "", "", &LeadershipRow::leaders},
    {"quorumwatch_leader_views", "", "", &LeadershipRow::views},
    {"quorumwatch_leader_epoch", "", "", &LeadershipRow::epoch},
    {"quorumwatch_leader_absent_seconds", "", "", &LeadershipRow::absent_seconds},
    {"quorumwatch_quorum_members", "", "", &LeadershipRow::voters},
    {"quorumwatch_quorum_failures_tolerated", "", "", &LeadershipRow::failures_tolerated},
    {"quorumwatch_leader_elections_total", "cause", "planned", &LeadershipRow::planned},
    {"quorumwatch_leader_elections_total", "cause", "unplanned", &LeadershipRow::unplanned},
    {"quorumwatch_leader_elections_total", "cause", "unknown", &LeadershipRow::unknown_cause},
    {"quorumwatch_leader_elections_total", "cause", "failed", &LeadershipRow::failed},
    {"quorumwatch_leader_epoch_regressions_total", "", "", &LeadershipRow::epoch_regressions},
    {"quorumwatch_split_brain", "kind", "fenced", &LeadershipRow::fenced},
    {"quorumwatch_split_brain", "kind", "unfenced", &LeadershipRow::unfenced},
    {"quorumwatch_split_brain", "kind", "identity", &LeadershipRow::identity},
    {"quorumwatch_split_brain_overlap_seconds", "bound", "lower", &LeadershipRow::overlap_lower_seconds},
    {"quorumwatch_split_brain_overlap_seconds", "bound", "upper", &LeadershipRow::overlap_upper_seconds},
    {"quorumwatch_split_brain_diverged_bytes", "", "", &LeadershipRow::diverged_bytes},
};

/// Most of a round's samples are about something else.
bool concerns_leading(std::string_view family) {
  constexpr std::string_view kOurs = "quorumwatch_";
  if (!family.starts_with(kOurs)) return false;
  family.remove_prefix(kOurs.size());
  return family.starts_with("leader") || family.starts_with("split_brain") || family.starts_with("quorum_");
}

bool is_set(const std::optional<double>& flag) {
  return flag.value_or(0) == 1;
}

void add_words(std::string& out, std::string_view words) {
  if (words.empty()) return;
  if (!out.empty()) out += "; ";
  out += words;
}

std::string split_brain(const LeadershipRow& row) {
  const auto how_many = row.leaders.value_or(0) > 2 ? fmt::format("{:.0f}", *row.leaders) : "two";
  if (is_set(row.unfenced)) {
    return fmt::format(
        "{} leaders at once, {} take writes{}", how_many, how_many == "two" ? "both" : "all",
        row.diverged_bytes.value_or(0) > 0 ? fmt::format(": {:.0f} bytes differ", *row.diverged_bytes) : "");
  }
  if (is_set(row.fenced)) {
    return fmt::format("{} leaders at once; the older does not know that it is deposed and can not commit",
                       how_many);
  }
  return row.leaders.value_or(0) > 1 ? fmt::format("{} leaders at one instant", how_many) : "";
}

std::string quorum(const LeadershipRow& row) {
  if (!row.failures_tolerated) return {};
  if (*row.failures_tolerated < 0) {
    return fmt::format("the quorum is lost: {:.0f} of {:.0f} voters too few are alive",
                       -*row.failures_tolerated, row.voters.value_or(0));
  }
  // A single voter never tolerates a failure, and two never do: that is how they were set up.
  if (*row.failures_tolerated > 0 || row.voters.value_or(0) < 3) return {};
  return "no further voter may fail";
}

}  // namespace

std::optional<LeadershipRow> leadership_of(std::span<const Sample> samples) {
  LeadershipRow row;
  bool found = false;
  for (const auto& [series, value] : samples) {
    const auto family = series->family->name;
    if (!concerns_leading(family)) continue;
    if (family == "quorumwatch_leader_claim") {
      row.claims.push_back({std::string(series->labels.get("member")), value == 1});
      found = true;
      continue;
    }
    for (const auto& source : kSources) {
      if (source.family != family) continue;
      if (!source.label.empty() && series->labels.get(source.label) != source.value) continue;
      row.*source.field = value;
      found = true;
    }
  }
  if (!found) return std::nullopt;
  std::ranges::sort(row.claims, {}, &LeadershipRow::Claim::member);
  return row;
}

std::string describe(const LeadershipRow& row) {
  std::string out = split_brain(row);
  if (is_set(row.identity)) add_words(out, "its members belong to different clusters");
  const bool absent = row.absent_seconds.value_or(0) > 0;
  if (absent || row.leaders == 0.0) {
    add_words(out, absent ? fmt::format("nobody leads, for {}", spoken_duration(*row.absent_seconds))
                          : "nobody leads");
  }
  add_words(out, quorum(row));
  if (row.views.value_or(0) > 1) {
    add_words(out, fmt::format("its members name {:.0f} different leaders", *row.views));
  }
  return out;
}

}  // namespace qw
