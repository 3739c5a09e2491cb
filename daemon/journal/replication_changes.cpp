#include <fmt/format.h>

#include "daemon/base/duration.hpp"
#include "daemon/journal/finders.hpp"
#include "daemon/model/replicas.hpp"

namespace qw::journal {
namespace {

/// Of the shipped rules QuorumwatchReplicationLag and QuorumwatchReplicationLagLong
/// (dashboards/alerts/replication.rules.yml): what most teams accept to lose at most, and where catching up
/// takes long.
constexpr double kLong = 30;
constexpr double kTooLong = 600;
/// A lag that has been long is over only here, or one that hovers about the limit would begin with each
/// round.
constexpr double kShortAgain = 20;

Evidence evidence_of(const ReplicaRow& row) {
  Evidence out;
  add_evidence(out, "quorumwatch_replication_link_up", row.link_up);
  add_evidence(out, "quorumwatch_replication_lag_seconds", row.seconds);
  add_evidence(out, "quorumwatch_replication_lag_bytes", row.bytes);
  add_evidence(out, "quorumwatch_replication_lag_entries", row.entries);
  return out;
}

void find_link(const ReplicaRow& row, const std::string& member, Findings& out) {
  if (!row.link_up) return;
  if (*row.link_up == 1) {
    return out.fine(Kind::replication, "link_down", member, "its link to the leader is up again",
                    evidence_of(row));
  }
  out.holds({.kind = Kind::replication,
             .severity = Severity::warning,
             .what = "link_down",
             .subject = member,
             .text = describe(row),
             .evidence = evidence_of(row)});
}

void find_lag(const ReplicaRow& row, const std::string& member, Findings& out) {
  if (!row.seconds) return;
  const bool is_long = *row.seconds > kLong || (*row.seconds > kShortAgain && out.is_open("lag", member));
  if (!is_long) {
    return out.fine(Kind::replication, "lag", member,
                    fmt::format("it is {} behind", spoken_duration(*row.seconds)), evidence_of(row));
  }
  out.holds({.kind = Kind::replication,
             .severity = *row.seconds > kTooLong ? Severity::critical : Severity::warning,
             .what = "lag",
             .subject = member,
             .text = describe(row),
             .evidence = evidence_of(row)});
}

}  // namespace

void find_replication(const Picked& samples, Findings& out) {
  // A replica that leads now has no link to lose, and nobody says anything of one any more.
  for (const auto& sample : samples.leadership) {
    if (sample.series->family->name != "quorumwatch_leader_claim" || sample.value != 1) continue;
    const auto member = subject_of(sample.series->labels.get("member"));
    for (const auto* what : {"link_down", "lag"}) out.fine(Kind::replication, what, member, "it leads now");
  }
  for (const auto& row : replicas_of(samples.replication)) {
    const auto member = subject_of(row.member);
    find_link(row, member, out);
    find_lag(row, member, out);
  }
}

}  // namespace qw::journal
