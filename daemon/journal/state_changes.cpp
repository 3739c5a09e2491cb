#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "daemon/journal/finders.hpp"

namespace qw::journal {
namespace {

enum class Wrong : std::uint8_t { when_zero, when_not_zero, when_it_rises };

/// A number that one system says of itself, which no signal judges, and what is wrong about it: as the
/// shipped rules have it (dashboards/alerts), or the system itself.
struct State {
  std::string_view family;
  std::string_view label;  ///< besides member, which tells several apart; empty: none
  Wrong wrong;
  Kind kind;
  Severity severity;
  std::string_view what;
  std::string_view text;
};
constexpr State kStates[] = {
    {"quorumwatch_alarm_active", "alarm", Wrong::when_not_zero, Kind::target, Severity::critical, "alarm",
     "the system itself has raised this alarm"},
    {"quorumwatch_kafka_partitions_leaderless", "", Wrong::when_not_zero, Kind::election, Severity::critical,
     "partitions_leaderless", "partitions that nobody can write or read: no living broker leads them"},
    {"quorumwatch_kafka_partitions_under_replicated", "", Wrong::when_not_zero, Kind::replication,
     Severity::warning, "under_replicated", "partitions have fewer replicas in sync than they should have"},
    {"quorumwatch_kafka_canary_lost_total", "", Wrong::when_it_rises, Kind::consumer, Severity::critical,
     "canary_lost", "messages of the canary were acknowledged and never consumed"},
    {"quorumwatch_postgres_synchronous_standbys", "", Wrong::when_zero, Kind::replication, Severity::critical,
     "commits_hang", "commits wait for a synchronous standby that is not there"},
    {"quorumwatch_postgres_slot_lost", "slot", Wrong::when_not_zero, Kind::replication, Severity::critical,
     "slot_lost", "log that the replication slot needs is gone"},
    {"quorumwatch_postgres_replay_paused", "", Wrong::when_not_zero, Kind::replication, Severity::info,
     "replay_paused", "its replay was paused by somebody"},
    {"quorumwatch_sentinel_quorum_reachable", "", Wrong::when_zero, Kind::quorum, Severity::warning,
     "sentinels_unreachable", "it reaches too few other Sentinels to authorize a fail-over"},
    {"quorumwatch_sentinel_tilt", "", Wrong::when_not_zero, Kind::quorum, Severity::warning, "tilt",
     "it is in tilt mode, in which it watches but does not act"},
};

}  // namespace

bool is_state_family(std::string_view family) {
  return std::ranges::find(kStates, family, &State::family) != std::end(kStates);
}

void find_states(const Picked& samples, Memory& memory, Findings& out) {
  for (const auto& sample : samples.states) {
    const auto& state = *std::ranges::find(kStates, sample.series->family->name, &State::family);
    const auto& labels = sample.series->labels;
    std::string subject(labels.get("member"));
    if (!state.label.empty()) subject += fmt::format(" {}", labels.get(state.label));
    Findings::Finding finding{.kind = state.kind,
                              .severity = state.severity,
                              .what = std::string(state.what),
                              .subject = subject_of(subject),
                              .text = std::string(state.text),
                              .evidence = {{std::string(state.family), print_number(sample.value)}}};
    if (state.wrong == Wrong::when_it_rises) {
      if (memory.counters.rise(sample) > 0) out.happened(std::move(finding));
      continue;
    }
    const bool wrong = (sample.value == 0) == (state.wrong == Wrong::when_zero);
    out.judge(wrong ? 1.0 : 0.0, std::move(finding));
  }
}

}  // namespace qw::journal
