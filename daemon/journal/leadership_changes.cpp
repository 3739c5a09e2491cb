#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/base/duration.hpp"
#include "daemon/journal/finders.hpp"
#include "daemon/model/leaders.hpp"

namespace qw::journal {
namespace {

/// Of the shipped rule QuorumwatchNoLeader (dashboards/alerts/leadership.rules.yml).
constexpr double kAbsentTooLong = 45;

std::string join(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 4;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kMost; ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  if (names.size() > kMost) out += fmt::format(" and {} more", names.size() - kMost);
  return out;
}

std::vector<std::string> leaders_of(const LeadershipRow& row) {
  std::vector<std::string> out;
  for (const auto& claim : row.claims) {
    if (claim.leads) out.push_back(subject_of(claim.member));
  }
  return out;
}

Evidence evidence_of(const LeadershipRow& row) {
  Evidence out;
  add_evidence(out, "quorumwatch_leaders", row.leaders);
  add_evidence(out, "quorumwatch_leader_epoch", row.epoch);
  return out;
}

struct CauseWords {
  std::string_view cause, one, many;
  Severity severity;
};
constexpr std::array kCauses{
    CauseWords{"planned", "a planned election", "{} planned elections", Severity::info},
    CauseWords{"unplanned", "an unplanned election", "{} unplanned elections", Severity::warning},
    CauseWords{"unknown", "an election whose cause nobody saw", "{} elections whose cause nobody saw",
               Severity::warning},
};

class Finder {
 public:
  Finder(const LeadershipRow& row, Memory& memory, Findings& out)
      : row_(row), memory_(memory), out_(out), leaders_(leaders_of(row)) {}

  void elections(const std::vector<Sample>& samples) {
    for (const auto& sample : samples) {
      const auto family = sample.series->family->name;
      if (family == "quorumwatch_leader_elections_total") election(sample);
      if (family == "quorumwatch_leader_epoch_regressions_total") regression(sample);
    }
    if (!leaders_.empty()) memory_.leaders = leaders_;
  }

  void absence() {
    if (!row_.absent_seconds) return;
    if (*row_.absent_seconds <= 0) {
      out_.fine(Kind::election, "no_leader", "", leaders_.empty() ? "" : join(leaders_) + leads(leaders_),
                evidence_of(row_));
      return;
    }
    auto evidence = evidence_of(row_);
    add_evidence(evidence, "quorumwatch_leader_absent_seconds", row_.absent_seconds);
    out_.holds(
        {.kind = Kind::election,
         .severity = *row_.absent_seconds > kAbsentTooLong ? Severity::critical : Severity::warning,
         .what = "no_leader",
         .subject = "",
         .text = fmt::format("nobody has been known to lead for {}{}", spoken_duration(*row_.absent_seconds),
                             memory_.leaders.empty() ? "" : "; last was " + join(memory_.leaders)),
         .evidence = std::move(evidence)});
  }

  void views() {
    if (!row_.views) return;
    if (*row_.views <= 1)
      return out_.fine(Kind::election, "views_disagree", "", "all name the same leader, or nobody",
                       evidence_of(row_));
    Evidence evidence = evidence_of(row_);
    add_evidence(evidence, "quorumwatch_leader_views", row_.views);
    out_.holds({.kind = Kind::election,
                .severity = Severity::warning,
                .what = "views_disagree",
                .subject = "",
                .text = fmt::format("members name {:.0f} different leaders in the newest epoch", *row_.views),
                .evidence = std::move(evidence)});
  }

  void split_brain() {
    const auto who = leaders_.size() > 1 ? join(leaders_) : "two members";
    out_split("unfenced", row_.unfenced, Severity::critical,
              who + " lead at the same instant, and each takes writes" + overlap());
    out_split(
        "fenced", row_.fenced, Severity::warning,
        who + " claim to lead at the same instant; the older one is deposed and can not commit" + overlap());
    out_split("identity", row_.identity, Severity::critical,
              "members belong to different clusters, each of which may elect a leader of its own");
  }

  void quorum() {
    if (!row_.failures_tolerated || !row_.voters) return;
    const double spare = *row_.failures_tolerated, voters = *row_.voters;
    Evidence evidence;
    add_evidence(evidence, "quorumwatch_quorum_members", voters);
    add_evidence(evidence, "quorumwatch_quorum_failures_tolerated", spare);
    const double majority = static_cast<double>(static_cast<std::uint64_t>(voters) / 2 + 1);
    const auto alive = fmt::format("{:.0f} of {:.0f} voters {} alive", majority + spare, voters,
                                   plural(majority + spare, "is", "are"));
    if (spare < 0) {
      out_.holds({.kind = Kind::quorum,
                  .severity = Severity::critical,
                  .what = "lost",
                  .subject = "",
                  .text = alive + ", and a majority is needed: nothing can be committed",
                  .evidence = evidence});
    } else {
      out_.fine(Kind::quorum, "lost", "", alive, evidence);
    }
    // One voter or two tolerate nothing by design, as in the shipped rule QuorumwatchQuorumAtRisk.
    if (spare == 0 && voters > 2) {
      out_.holds({.kind = Kind::quorum,
                  .severity = Severity::warning,
                  .what = "at_risk",
                  .subject = "",
                  .text = alive + ": no further one may fail",
                  .evidence = evidence});
    } else {
      out_.fine(Kind::quorum, "at_risk", "", alive, evidence);
    }
  }

 private:
  static std::string leads(const std::vector<std::string>& names) {
    return names.size() == 1 ? " leads" : " lead";
  }

  void election(const Sample& sample) {
    const double count = memory_.counters.rise(sample);
    if (count <= 0) return;
    const auto cause = sample.series->labels.get("cause");
    auto evidence = evidence_of(row_);
    evidence.emplace_back(fmt::format("quorumwatch_leader_elections_total{{cause=\"{}\"}}", cause),
                          print_number(sample.value));
    if (cause == "failed") {
      out_.happened({.kind = Kind::election,
                     .severity = Severity::warning,
                     .what = "failed",
                     .subject = "",
                     .text = fmt::format("{:.0f} {} in which nobody was seen to lead", count,
                                         plural(count, "epoch passed", "epochs passed")),
                     .evidence = std::move(evidence)});
      return;
    }
    const auto words = std::ranges::find(kCauses, cause, &CauseWords::cause);
    if (words == kCauses.end()) return;
    const auto how =
        count == 1 ? std::string(words->one) : fmt::format(fmt::runtime(words->many), print_number(count));
    const auto epoch = row_.epoch ? fmt::format(", epoch {:.0f}", *row_.epoch) : "";
    const bool other = !memory_.leaders.empty() && memory_.leaders != leaders_;
    const auto before = other ? fmt::format("; {} led before", join(memory_.leaders)) : "";
    std::string text;
    if (leaders_.size() == 1) {
      text = fmt::format("leads now, after {}{}{}", how, epoch, before);
    } else if (leaders_.empty()) {
      text = fmt::format("{}{}; who leads is not known yet{}", how, epoch, before);
    } else {
      text = fmt::format("{}{}; {} say that they lead{}", how, epoch, join(leaders_), before);
    }
    out_.happened({.kind = Kind::election,
                   .severity = words->severity,
                   .what = std::string(cause),
                   .subject = leaders_.size() == 1 ? leaders_.front() : "",
                   .text = std::move(text),
                   .evidence = std::move(evidence)});
  }

  void regression(const Sample& sample) {
    const double count = memory_.counters.rise(sample);
    if (count <= 0) return;
    auto evidence = evidence_of(row_);
    evidence.emplace_back("quorumwatch_leader_epoch_regressions_total", print_number(sample.value));
    out_.happened(
        {.kind = Kind::election,
         .severity = Severity::critical,
         .what = "epoch_regression",
         .subject = "",
         .text = "a member's epoch went backwards: a restored backup, a wiped disk or another cluster",
         .evidence = std::move(evidence)});
  }

  std::string overlap() const {
    if (!row_.overlap_lower_seconds) return "";
    const double lower = *row_.overlap_lower_seconds;
    const auto upper = row_.overlap_upper_seconds ? fmt::format("{}at most {}", lower > 0 ? " and " : " for ",
                                                                spoken_duration(*row_.overlap_upper_seconds))
                                                  : ", and nobody saw how it began";
    const auto lost =
        row_.diverged_bytes.value_or(0) > 0
            ? fmt::format("; {:.0f} bytes were written by the older one alone", *row_.diverged_bytes)
            : "";
    // What was proven by one look has lasted for no time yet.
    if (lower <= 0) return (row_.overlap_upper_seconds ? "," : "") + upper + lost;
    return fmt::format(", for at least {}{}{}", spoken_duration(lower), upper, lost);
  }

  void out_split(std::string_view what, const std::optional<double>& flag, Severity severity,
                 std::string text) {
    if (!flag) return;
    auto evidence = evidence_of(row_);
    for (const auto& leader : leaders_) evidence.emplace_back("quorumwatch_leader_claim", leader);
    add_evidence(evidence, "quorumwatch_split_brain_overlap_seconds{bound=\"lower\"}",
                 row_.overlap_lower_seconds);
    add_evidence(evidence, "quorumwatch_split_brain_overlap_seconds{bound=\"upper\"}",
                 row_.overlap_upper_seconds);
    add_evidence(evidence, "quorumwatch_split_brain_diverged_bytes", row_.diverged_bytes);
    if (*flag != 1) {
      const auto now = leaders_.empty() ? "" : join(leaders_) + leads(leaders_) + " now";
      const auto lasted = what == "identity" ? "" : overlap();
      out_.fine(Kind::split_brain, what, "", now + (lasted.empty() ? "" : "; both led" + lasted.substr(1)),
                std::move(evidence));
      return;
    }
    out_.holds({.kind = Kind::split_brain,
                .severity = severity,
                .what = std::string(what),
                .subject = "",
                .text = std::move(text),
                .evidence = std::move(evidence)});
  }

  const LeadershipRow& row_;
  Memory& memory_;
  Findings& out_;
  std::vector<std::string> leaders_;
};

}  // namespace

void find_leadership(const Picked& samples, Memory& memory, Findings& out) {
  const auto row = leadership_of(samples.leadership);
  if (!row) return;
  Finder finder(*row, memory, out);
  finder.elections(samples.leadership);
  finder.absence();
  finder.views();
  finder.split_brain();
  finder.quorum();
}

}  // namespace qw::journal
