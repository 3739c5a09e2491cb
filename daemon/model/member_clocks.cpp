#include "daemon/model/member_clocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "daemon/base/duration.hpp"
#include "daemon/model/row_words.hpp"

namespace qw {
namespace {

constexpr std::pair<std::string_view, ClockProof> kProofs[] = {
    {"proved_skewed", ClockProof::proved_skewed},
    {"cannot_prove", ClockProof::cannot_prove},
    {"proved_in_sync", ClockProof::proved_in_sync},
};

struct Reader {
  ClocksRow all;
  std::map<std::string_view, ClockRow> members;
  std::optional<double> warning, critical;

  /// Of the target as a whole; false: it is of a member.
  bool take_common(const Series& series, double value);
  void take_member(const Series& series, double value);
};

void add(std::optional<double>& sum, double value) {
  sum = sum.value_or(0) + value;
}

bool Reader::take_common(const Series& series, double value) {
  const auto family = series.family->name;
  if (family == "quorumwatch_clock_limit_seconds") {
    (series.labels.get("severity") == "critical" ? critical : warning) = value;
  } else if (family == "quorumwatch_clock_skew_seconds") {
    (series.labels.get("bound") == "upper" ? all.skew_upper_seconds : all.skew_lower_seconds) = value;
  } else if (family == "quorumwatch_clock_own_outlier") {
    all.own_outlier = value;
  } else if (family == "quorumwatch_clock_own_steps_total") {
    add(all.own_steps, value);
  } else {
    return series.labels.get("member").empty();
  }
  return true;
}

void Reader::take_member(const Series& series, double value) {
  const auto family = series.family->name;
  auto& row = members[series.labels.get("member")];
  const bool of_all_sources = series.labels.get("source") == "all";
  if (family == "quorumwatch_clock_state") {
    if (value != 1) return;
    const auto found = std::ranges::find(kProofs, series.labels.get("state"),
                                         &std::pair<std::string_view, ClockProof>::first);
    if (found != std::end(kProofs)) row.proof = found->second;
  } else if (family == "quorumwatch_clock_offset_seconds") {
    if (of_all_sources) row.offset_seconds = value;
  } else if (family == "quorumwatch_clock_bound_seconds") {
    if (of_all_sources) row.bound_seconds = value;
  } else if (family == "quorumwatch_clock_outlier") {
    row.outlier = value;
  } else if (family == "quorumwatch_clock_slewing") {
    row.slewing = value;
  } else if (family == "quorumwatch_clock_synchronised") {
    row.synchronised = std::max(row.synchronised.value_or(0), value);
  } else if (family == "quorumwatch_clock_steps_total") {
    add(row.steps, value);
  }
}

std::string offset_of(const ClockRow& row) {
  return fmt::format("{} by {}, give or take {}", *row.offset_seconds < 0 ? "behind" : "ahead",
                     spoken_duration(*row.offset_seconds), spoken_duration(row.bound_seconds.value_or(0)));
}

std::string limit_of(const ClocksRow& all) {
  return all.limit_seconds ? "the limit of " + spoken_duration(*all.limit_seconds) : "the limit";
}

}  // namespace

std::optional<ClocksRow> clocks_of(std::span<const Sample> samples) {
  Reader reader;
  for (const auto& [series, value] : samples) {
    if (!series->family->name.starts_with("quorumwatch_clock_")) continue;
    if (!reader.take_common(*series, value)) reader.take_member(*series, value);
  }
  // Every target tells how our own clock fared meanwhile; that alone is no clock that is read.
  if (reader.members.empty()) return std::nullopt;
  auto& out = reader.all;
  out.limit_seconds = reader.critical ? reader.critical : reader.warning;
  for (auto& [member, row] : reader.members) {
    row.member = member;
    out.members.push_back(std::move(row));
  }
  std::ranges::sort(out.members, {},
                    [](const ClockRow& row) { return std::tuple(row.proof, std::string_view(row.member)); });
  return std::move(out);
}

std::string describe(const ClockRow& row, const ClocksRow& all) {
  std::string out;
  if (!row.offset_seconds) {
    add_words(out, row.proof == ClockProof::cannot_prove, "nobody could read it");
  } else if (row.proof == ClockProof::proved_skewed) {
    out = fmt::format("{}, which is proved to be beyond {}", offset_of(row), limit_of(all));
  } else if (row.proof == ClockProof::cannot_prove) {
    out = fmt::format("{}, which is not enough to prove that it is within {}", offset_of(row), limit_of(all));
  }
  add_words(out, is_set(row.outlier), "it is out of step with every majority of the others");
  add_words(out, is_set(all.own_outlier) && row.proof != ClockProof::proved_in_sync,
            "but it is our own clock that is out of step with every majority");
  add_words(out, is_set(row.slewing), "it runs too fast or too slow: it is being slewed");
  add_words(out, row.synchronised == 0.0, "it says itself that it is not synchronised");
  return out;
}

}  // namespace qw
