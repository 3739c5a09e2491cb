#include <fmt/format.h>

#include "daemon/base/duration.hpp"
#include "daemon/journal/finders.hpp"
#include "daemon/model/member_clocks.hpp"

namespace qw::journal {
namespace {

Evidence evidence_of(const ClockRow& row, const ClocksRow& all) {
  Evidence out;
  add_evidence(out, "quorumwatch_clock_offset_seconds", row.offset_seconds);
  add_evidence(out, "quorumwatch_clock_bound_seconds", row.bound_seconds);
  add_evidence(out, "quorumwatch_clock_limit_seconds", all.limit_seconds);
  return out;
}

void find_member(const ClockRow& row, const ClocksRow& all, Findings& out) {
  const auto member = subject_of(row.member);
  const auto evidence = evidence_of(row, all);
  if (row.proof == ClockProof::proved_skewed) {
    out.holds({.kind = Kind::clock,
               .severity = Severity::critical,
               .what = "skewed",
               .subject = member,
               .text = describe(row, all),
               .evidence = evidence});
  } else if (row.proof == ClockProof::proved_in_sync) {
    out.fine(Kind::clock, "skewed", member, "its clock is proved to be right again", evidence);
  }
  const auto judge = [&](const std::optional<double>& flag, std::string_view what, std::string_view text) {
    out.judge(flag, {.kind = Kind::clock,
                     .severity = Severity::warning,
                     .what = std::string(what),
                     .subject = member,
                     .text = std::string(text),
                     .evidence = evidence});
  };
  judge(row.outlier, "outlier", "its clock is proved to be out of step with every majority of the members");
  judge(row.slewing, "slewing", "its clock runs so much too fast or too slow that it must be slewed");
  const auto unsynchronised =
      row.synchronised ? std::optional(*row.synchronised == 0 ? 1.0 : 0.0) : std::nullopt;
  judge(unsynchronised, "unsynchronised", "it says itself that nothing keeps its clock right");
}

/// The size of a step is no sample; what the offset moved by since the last round says it, give or take.
std::string step_words(const ClocksRow& all, const std::string& member, const Memory& memory,
                       std::string_view direction) {
  const auto before = memory.clock_offset.find(member);
  for (const auto& row : all.members) {
    if (subject_of(row.member) != member || !row.offset_seconds || before == memory.clock_offset.end())
      continue;
    return fmt::format("its clock was set {}; its offset moved by {}", direction,
                       spoken_duration(*row.offset_seconds - before->second));
  }
  return fmt::format("its clock was set {}", direction);
}

void find_steps(const Picked& samples, const ClocksRow& all, Memory& memory, Findings& out) {
  for (const auto& sample : samples.clocks) {
    if (sample.series->family->name != "quorumwatch_clock_steps_total") continue;
    if (memory.counters.rise(sample) <= 0) continue;
    const auto member = subject_of(sample.series->labels.get("member"));
    const auto direction = sample.series->labels.get("direction");
    Evidence evidence{{fmt::format("quorumwatch_clock_steps_total{{direction=\"{}\"}}", direction),
                       print_number(sample.value)}};
    for (const auto& row : all.members) {
      if (subject_of(row.member) == member)
        add_evidence(evidence, "quorumwatch_clock_offset_seconds", row.offset_seconds);
    }
    out.happened({.kind = Kind::clock,
                  .severity = Severity::warning,
                  .what = "step",
                  .subject = member,
                  .text = step_words(all, member, memory, direction),
                  .evidence = std::move(evidence)});
  }
}

/// Every target tells of it: it is said of none.
void find_own_steps(const Picked& samples, Memory& memory, Findings& out) {
  for (const auto& sample : samples.clocks) {
    if (sample.series->family->name != "quorumwatch_clock_own_steps_total") continue;
    if (memory.counters.rise(sample) <= 0) continue;
    out.happened(
        {.kind = Kind::clock,
         .severity = Severity::warning,
         .what = std::string(kOwnStep),
         .subject = std::string(sample.series->labels.get("direction")),
         .text = fmt::format("the clock of the daemon's own machine was set {}: times here before and after "
                             "it do not fit together",
                             sample.series->labels.get("direction")),
         .evidence = {{"quorumwatch_clock_own_steps_total", print_number(sample.value)}}});
  }
}

void find_apart(const Picked& samples, const ClocksRow& all, Findings& out) {
  std::optional<double> apart, together;
  for (const auto& sample : samples.clocks) {
    if (sample.series->family->name != "quorumwatch_clock_skew_state") continue;
    const auto state = sample.series->labels.get("state");
    if (state == "proved_skewed") apart = sample.value;
    if (state == "proved_in_sync") together = sample.value;
  }
  Evidence evidence;
  add_evidence(evidence, "quorumwatch_clock_skew_seconds{bound=\"lower\"}", all.skew_lower_seconds);
  add_evidence(evidence, "quorumwatch_clock_skew_seconds{bound=\"upper\"}", all.skew_upper_seconds);
  if (together == 1.0) return out.fine(Kind::clock, "apart", "", "all are proved to agree again", evidence);
  if (apart != 1.0) return;
  out.holds({.kind = Kind::clock,
             .severity = Severity::critical,
             .what = "apart",
             .subject = "",
             .text = fmt::format("two members' clocks are proved to be at least {} apart",
                                 spoken_duration(all.skew_lower_seconds.value_or(0))),
             .evidence = std::move(evidence)});
}

}  // namespace

void find_clocks(const Picked& samples, Memory& memory, Findings& out) {
  if (samples.clocks.empty()) return;
  find_own_steps(samples, memory, out);
  const auto all = clocks_of(samples.clocks);
  if (!all) return;
  for (const auto& row : all->members) find_member(row, *all, out);
  out.judge(all->own_outlier, {.kind = Kind::clock,
                               .severity = Severity::warning,
                               .what = "own_outlier",
                               .subject = "",
                               .text = "it is the daemon's own clock that is proved to be out of step",
                               .evidence = {}});
  find_steps(samples, *all, memory, out);
  find_apart(samples, *all, out);
  memory.clock_offset.clear();
  for (const auto& row : all->members) {
    if (row.offset_seconds) memory.clock_offset[subject_of(row.member)] = *row.offset_seconds;
  }
}

}  // namespace qw::journal
