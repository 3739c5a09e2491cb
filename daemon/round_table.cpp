#include "daemon/round_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "daemon/base/duration.hpp"
#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"
#include "daemon/model/consumers.hpp"
#include "daemon/model/wires.hpp"

namespace qw {
namespace {

constexpr std::string_view kUnknown = "?";
constexpr std::string_view kNone = "-";  ///< there is no such thing for this member
constexpr std::size_t kMaxCell = 60;
constexpr std::size_t kMaxConsumers = 20;
constexpr std::size_t kMaxWires = 40;

enum class Tone { plain, good, bad, faint };

struct Cell {
  Cell(std::string text_, Tone tone_ = Tone::plain) : text(std::move(text_)), tone(tone_) {}
  Cell(std::string_view text_, Tone tone_ = Tone::plain) : text(text_), tone(tone_) {}
  Cell(const char* text_, Tone tone_ = Tone::plain) : text(text_), tone(tone_) {}
  std::string text;
  Tone tone;
};

std::string paint(std::string_view text, Tone tone, bool color) {
  if (!color || tone == Tone::plain) return std::string(text);
  const auto* code = tone == Tone::good ? "32" : tone == Tone::bad ? "1;31" : "2";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

/// The width on a terminal of text that sanitize() has made harmless: characters, not bytes.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Columns as wide as their widest cell; trailing blanks are left out.
class Table {
 public:
  explicit Table(std::vector<Cell> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  std::size_t size() const { return rows_.size() - 1; }

  std::string print(bool color) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
    }
    std::string out;
    for (const auto& row : rows_) {
      out += "  ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        out += paint(row[i].text, row[i].tone, color);
        if (i + 1 < row.size()) out.append(widths[i] - width(row[i].text) + 2, ' ');
      }
      out += '\n';
    }
    return out;
  }

 private:
  std::vector<std::vector<Cell>> rows_;
};

std::string shown(std::string_view text) {
  return sanitize(text, kMaxCell);
}

/// The samples of one round by name. The signals are the judges: nothing is computed a second time here.
class Judged {
 public:
  explicit Judged(const Round& round) : round_(round) {}

  /// Of the series whose labels include the pair.
  std::optional<double> find(std::string_view name, std::string_view label = "",
                             std::string_view value = "") const {
    const auto* sample = find_sample(name, label, value);
    return sample ? std::optional(sample->value) : std::nullopt;
  }
  const Sample* find_sample(std::string_view name, std::string_view label = "",
                            std::string_view value = "") const {
    for (const auto& sample : round_.samples) {
      if (sample.series->family->name != name || !sample.series->suffix.empty()) continue;
      if (label.empty() || sample.series->labels.get(label) == value) return &sample;
    }
    return nullptr;
  }

 private:
  const Round& round_;
};

/// All that a round says of one member.
struct Member {
  const LeadershipClaim* claim = nullptr;
  const ReplicaPosition* position = nullptr;
  const Unanswered* unanswered = nullptr;
  bool answered = false;
};

/// By name; later looks replace earlier ones, and what a member says of itself goes before what others say of
/// it.
std::map<std::string, Member> members_of(const Facts& facts) {
  std::map<std::string, Member> members;
  for (const auto& one : facts.unanswered) members[one.member].unanswered = &one;
  for (const auto& claim : facts.claims) {
    auto& member = members[claim.member];
    member.claim = &claim;
    member.answered = true;
  }
  for (const auto& position : facts.positions) {
    auto& member = members[position.member];
    const bool own = position.reported_by == position.member;
    if (own) member.answered = true;
    const bool has_own = member.position && member.position->reported_by == member.position->member;
    if (own || !has_own) member.position = &position;
  }
  for (const auto& trip : facts.round_trips) members[trip.member].answered = true;
  for (const auto& clock : facts.clocks) members[clock.member].answered = true;
  for (const auto& state : facts.clock_states) members[state.member].answered = true;
  return members;
}

std::string exact_time(WallTime at) {
  constexpr std::size_t kToTheSecond = 19;
  return print_timestamp(at).substr(0, kToTheSecond) + "Z";
}

std::string small_time(double value) {
  const double size = std::abs(value);
  if (size < 0.001) return fmt::format("{:.0f} us", value * 1e6);
  if (size < 1) return fmt::format("{:.1f} ms", value * 1e3);
  return fmt::format("{:.2f} s", value);
}

std::string count(double value) {
  return fmt::format("{:.0f}", value);
}

Cell claim_cell(const Member& member, bool others_claim) {
  if (!member.answered) return {kUnknown, Tone::bad};
  if (!member.claim) return {kNone, Tone::faint};
  const auto& claim = *member.claim;
  if (claim.campaigning) return {"standing for election", Tone::bad};
  if (claim.handing_over) return {"handing over", Tone::bad};
  switch (claim.claim) {
    case Claim::leader:
      return {"leader", others_claim ? Tone::bad : Tone::good};
    case Claim::not_leader:
      return claim.may_lead ? "follower" : "observer";
    case Claim::unknown:
      break;
  }
  return {kUnknown, Tone::bad};
}

/// Builds the text of one round.
class Printer {
 public:
  Printer(const Round& round, bool color)
      : round_(round), color_(color), judged_(round), members_(members_of(round.facts)) {}

  std::string print() {
    std::string out =
        fmt::format("{} {}   {}, took {}\n", round_.target.system, shown(round_.target.name),
                    exact_time(round_.at), small_time(seconds(round_.finished - round_.started)));
    if (!round_.success) {
      out += fmt::format("  {}\n", paint("NOBODY ANSWERED", Tone::bad, color_));
      out += fmt::format("  {}\n", sanitize(round_.reason, 500));
    } else {
      out += leader_line();
      out += findings();
    }
    if (!members_.empty()) out += member_table();
    out += wire_table();
    out += consumer_table();
    for (const auto& note : notes_) out += fmt::format("  {}\n", paint(note, Tone::faint, color_));
    return out;
  }

 private:
  std::string leader_line() {
    if (round_.facts.claims.empty()) return "";
    std::vector<const LeadershipClaim*> leaders;
    for (const auto& [name, member] : members_) {
      if (member.claim && member.claim->claim == Claim::leader) leaders.push_back(member.claim);
    }
    claimants_ = leaders.size();
    if (leaders.empty()) {
      const auto known = judged_.find("quorumwatch_leaders");
      if (known && *known == 0) return "  leader: " + paint("NOBODY leads", Tone::bad, color_) + "\n";
      note("? leader: nobody of those who answered says that it leads");
      return "  leader: " + paint(kUnknown, Tone::bad, color_) + "\n";
    }
    std::string out;
    for (const auto* leader : leaders) {
      out += fmt::format("  leader: {}",
                         paint(shown(leader->member), leaders.size() == 1 ? Tone::good : Tone::bad, color_));
      if (leader->tenure.epoch) out += fmt::format(", epoch {}", *leader->tenure.epoch);
      out += ", since ?\n";
    }
    note(
        "? since: one round can not see when a leader took office; a running daemon counts it from the "
        "epochs");
    return out;
  }

  std::string findings() {
    std::string out;
    for (const auto* kind : {"unfenced", "fenced", "identity"}) {
      if (judged_.find("quorumwatch_split_brain", "kind", kind).value_or(0) != 1) continue;
      out += "  " + paint(fmt::format("SPLIT BRAIN ({})", kind), Tone::bad, color_) +
             split_brain_extent(kind) + "\n";
    }
    const auto leaders = judged_.find("quorumwatch_leaders");
    if (out.empty() && leaders && *leaders > 1) {
      const auto text = fmt::format(
          "{:.0f} members led at the same instant, as yet within what a fail-over takes", *leaders);
      out += "  " + paint(text, Tone::bad, color_) + "\n";
    } else if (out.empty() && claimants_ > 1) {
      out += "  " +
             paint("more than one member claims to lead, but not provably at the same instant", Tone::bad,
                   color_) +
             "\n";
    }
    out += clock_findings();
    if (const auto views = judged_.find("quorumwatch_leader_views"); views && *views > 1) {
      out += "  " +
             paint(fmt::format("the members name {:.0f} different leaders", *views), Tone::bad, color_) +
             "\n";
    }
    const auto voters = judged_.find("quorumwatch_quorum_members");
    const auto tolerated = judged_.find("quorumwatch_quorum_failures_tolerated");
    if (voters && tolerated) {
      const auto text =
          *tolerated < 0 ? std::string("QUORUM LOST") : fmt::format("{:.0f} more may fail", *tolerated);
      out += fmt::format("  quorum: {:.0f} voter{}, {}\n", *voters, *voters == 1 ? "" : "s",
                         paint(text, *tolerated <= 0 ? Tone::bad : Tone::plain, color_));
    }
    return out;
  }

  std::string clock_findings() {
    std::string out;
    for (const auto& sample : round_.samples) {
      if (sample.series->family->name != "quorumwatch_clock_outlier" || sample.value != 1) continue;
      const auto text = fmt::format("the clock of {} is proved to be out of step with the others",
                                    shown(sample.series->labels.get("member")));
      out += "  " + paint(text, Tone::bad, color_) + "\n";
    }
    if (judged_.find("quorumwatch_clock_own_outlier").value_or(0) == 1)
      out += "  " + paint("OUR OWN CLOCK is proved to be out of step with the members", Tone::bad, color_) +
             "\n";
    return out;
  }

  std::string split_brain_extent(std::string_view kind) {
    if (kind == "identity") return ": members belong to different clusters";
    std::string out;
    const auto lower = judged_.find("quorumwatch_split_brain_overlap_seconds", "bound", "lower");
    const auto upper = judged_.find("quorumwatch_split_brain_overlap_seconds", "bound", "upper");
    if (lower) out += fmt::format(": both led for at least {}", small_time(*lower));
    if (upper) out += fmt::format("{} at most {}", lower ? "," : ":", small_time(*upper));
    if (const auto bytes = judged_.find("quorumwatch_split_brain_diverged_bytes"))
      out += fmt::format(", {:.0f} bytes diverged", *bytes);
    return out;
  }

  std::string member_table() {
    Table table(relevant({{"MEMBER", Tone::faint},
                          {"ANSWER", Tone::faint},
                          {"CLAIM", Tone::faint},
                          {"FOLLOWS", Tone::faint},
                          {"EPOCH", Tone::faint},
                          {"POSITION", Tone::faint},
                          {"BEHIND", Tone::faint},
                          {"LINK", Tone::faint},
                          {"RTT", Tone::faint},
                          {"CLOCK", Tone::faint}}));
    for (const auto& [name, member] : members_) table.add(relevant(row(name, member)));
    std::string out = table.print(color_);
    for (const auto& [name, member] : members_) {
      if (!member.unanswered) continue;
      out += fmt::format("  {} did not answer{}: {}\n", paint(shown(name), Tone::bad, color_),
                         member.answered ? " every time" : "", sanitize(member.unanswered->error.message()));
    }
    return out;
  }

  /// The worst first; those that are well are only counted beyond kMaxConsumers.
  std::string consumer_table() {
    const auto consumers = consumers_of(round_.samples);
    if (consumers.empty()) return "";
    Table table({{"GROUP", Tone::faint},
                 {"TOPIC", Tone::faint},
                 {"LAG", Tone::faint},
                 {"BEHIND", Tone::faint},
                 {"STATUS", Tone::faint},
                 {"WHY", Tone::faint}});
    for (const auto& consumer : consumers) {
      if (table.size() == kMaxConsumers) break;
      const bool well = consumer.status == ConsumerStatus::ok;
      table.add({shown(consumer.group), shown(consumer.topic), lag_cell(consumer), age_cell(consumer),
                 Cell(name(consumer.status), well ? Tone::good : Tone::bad),
                 Cell(describe(consumer), well ? Tone::faint : Tone::plain)});
    }
    auto out = table.print(color_);
    if (consumers.size() > table.size()) {
      out += fmt::format("  and {} more\n", consumers.size() - table.size());
    }
    return out;
  }

  /// Where nobody leads or replicates (nodes, clocks), the columns about that are left out.
  std::vector<Cell> relevant(std::vector<Cell> row) const {
    const bool all = !round_.success || !round_.facts.claims.empty() || !round_.facts.positions.empty();
    if (!all) row.erase(row.begin() + 2, row.end() - 2);
    return row;
  }

  /// The way to each node, those in trouble first.
  std::string wire_table() {
    const auto wires = wires_of(round_.samples);
    if (wires.empty()) return "";
    Table table({{"PEER", Tone::faint},
                 {"METHOD", Tone::faint},
                 {"RTT", Tone::faint},
                 {"JITTER", Tone::faint},
                 {"LOST", Tone::faint},
                 {"WHAT IS WRONG", Tone::faint}});
    for (const auto& wire : wires) {
      if (table.size() == kMaxWires) break;
      const auto words = describe(wire);
      table.add({shown(wire.member), shown(wire.method), wire_time_cell(wire),
                 wire.jitter_seconds ? Cell(small_time(*wire.jitter_seconds)) : Cell(kUnknown, Tone::bad),
                 wire_loss_cell(wire),
                 words.empty() ? Cell(kNone, Tone::faint)
                               : Cell(words, in_trouble(wire) ? Tone::bad : Tone::plain)});
    }
    auto out = table.print(color_);
    if (wires.size() > table.size()) out += fmt::format("  and {} more\n", wires.size() - table.size());
    return out;
  }

  static Cell wire_time_cell(const WireRow& wire) {
    if (!wire.seconds) return {kUnknown, Tone::bad};
    return small_time(*wire.seconds) +
           (wire.error_seconds ? fmt::format(" +- {}", small_time(*wire.error_seconds)) : "");
  }

  /// "0 of 50"; the ratio is of the last minute, which in one round is this round.
  static Cell wire_loss_cell(const WireRow& wire) {
    const auto sent = wire.loss_samples.value_or(0);
    const auto lost = std::round(wire.loss_ratio.value_or(0) * sent);
    return {fmt::format("{:.0f} of {:.0f}", lost, sent), lost > 0 ? Tone::bad : Tone::plain};
  }

  Cell lag_cell(const ConsumerRow& consumer) {
    if (!consumer.messages) return {kUnknown, Tone::bad};
    const bool at_least = consumer.unknown_partitions.value_or(0) > 0;
    if (at_least) note(">= lag: some partitions could not be asked");
    return (at_least ? ">= " : "") + count(*consumer.messages);
  }

  Cell age_cell(const ConsumerRow& consumer) {
    if (!consumer.seconds) return {kUnknown, Tone::bad};
    if (*consumer.seconds == 0) return "0 s";
    const auto error = consumer.error_seconds.value_or(0);
    const bool at_least = std::isinf(error);
    if (at_least) note(">= behind: it began before this round; a running daemon knows from its history");
    return fmt::format("{}{}{}", at_least ? ">= " : "", small_time(*consumer.seconds),
                       at_least || error < 0.01 ? "" : fmt::format(" +- {}", small_time(error)));
  }

  std::vector<Cell> row(const std::string& name, const Member& member) {
    const bool silent = !member.answered && member.unanswered;
    const bool told = !member.answered && !member.unanswered;  // only others speak of it
    if (told) note("- answer: not asked, others speak of it");
    return {shown(name),
            silent ? Cell("NO", Tone::bad)
            : told ? Cell(kNone, Tone::faint)
                   : Cell("yes"),
            told ? Cell(kNone, Tone::faint) : claim_cell(member, claimants_ > 1),
            follows_cell(member),
            epoch_cell(member),
            member.position ? Cell(std::to_string(member.position->position)) : missing(member),
            behind_cell(name, member),
            link_cell(member),
            sample_cell("quorumwatch_rtt_seconds", name, member),
            clock_cell(name, member)};
  }

  /// Unknown for a member that is silent, not applicable for one that answered without it.
  static Cell missing(const Member& member) {
    return member.answered || !member.unanswered ? Cell(kNone, Tone::faint) : Cell(kUnknown, Tone::bad);
  }

  static Cell follows_cell(const Member& member) {
    if (!member.claim || !member.claim->follows) return missing(member);
    return shown(*member.claim->follows);
  }

  Cell epoch_cell(const Member& member) {
    if (!member.claim) return missing(member);
    if (member.claim->tenure.epoch) return std::to_string(*member.claim->tenure.epoch);
    // Where nobody has an epoch, the system counts none.
    const bool counted = std::ranges::any_of(
        round_.facts.claims, [](const auto& claim) { return claim.tenure.epoch.has_value(); });
    return counted ? Cell(kUnknown) : Cell(kNone, Tone::faint);
  }

  Cell behind_cell(const std::string& name, const Member& member) {
    if (member.position && member.position->role == Role::leader) return {kNone, Tone::faint};
    std::string out;
    if (const auto bytes = judged_.find("quorumwatch_replication_lag_bytes", "member", name))
      out = count(*bytes) + " B";
    if (const auto entries = judged_.find("quorumwatch_replication_lag_entries", "member", name))
      out = count(*entries) + " entries";
    if (const auto lag = judged_.find("quorumwatch_replication_lag_seconds", "member", name);
        lag && !out.empty()) {
      const bool at_least =
          judged_.find("quorumwatch_replication_lag_is_lower_bound", "member", name).value_or(0) == 1;
      if (at_least) note(">= behind: it began before this round; a running daemon knows from its history");
      out += fmt::format(", {}{}", at_least ? ">= " : "", *lag == 0 ? "0 s" : small_time(*lag));
    }
    if (!out.empty()) return out;
    if (!member.position) return missing(member);
    note("? behind: the leader's position is not known");
    return kUnknown;
  }

  static Cell link_cell(const Member& member) {
    if (!member.position) return missing(member);
    switch (member.position->link) {
      case Link::up:
        return "up";
      case Link::down:
        return {"DOWN", Tone::bad};
      case Link::unknown:
        break;
    }
    return member.position->role == Role::leader ? Cell(kNone, Tone::faint) : Cell(kUnknown);
  }

  Cell sample_cell(std::string_view family, const std::string& name, const Member& member) {
    const auto value = judged_.find(family, "member", name);
    return value ? Cell(small_time(*value)) : missing(member);
  }

  /// "+250.0 ms +- 12 us by ntp, in sync".
  Cell clock_cell(const std::string& name, const Member& member) {
    const auto offset = judged_.find("quorumwatch_clock_offset_seconds", "member", name);
    const auto bound = judged_.find("quorumwatch_clock_bound_seconds", "member", name);
    if (!offset || !bound) return claimed_clock_cell(name, member);
    const auto text = fmt::format("{}{}", interval_text(*offset, *bound), narrowest_source(name));
    const auto state = clock_state(name);
    if (state == "proved_skewed") return {text + ", SKEWED", Tone::bad};
    if (state == "proved_in_sync") return {text + ", in sync", Tone::plain};
    note(
        "? clock: it can be proved neither to be within the limit of the target's clock_profile nor beyond "
        "it");
    return {text + ", ?", Tone::faint};
  }

  /// Of a member that only says what it thinks of its clock (chrony).
  Cell claimed_clock_cell(const std::string& name, const Member& member) {
    const auto offset = judged_.find("quorumwatch_clock_claimed_offset_seconds", "member", name);
    const auto bound = judged_.find("quorumwatch_clock_claimed_bound_seconds", "member", name);
    if (offset && bound) return interval_text(*offset, *bound) + " from true time, as it says";
    const auto synchronised = judged_.find("quorumwatch_clock_synchronised", "member", name);
    if (synchronised && *synchronised == 0) return {"not synchronised, as it says", Tone::bad};
    return missing(member);
  }

  static std::string interval_text(double offset, double bound) {
    return fmt::format("{}{} +- {}", offset < 0 ? "" : "+", small_time(offset), small_time(bound));
  }

  std::string narrowest_source(const std::string& name) const {
    const Sample* narrowest = nullptr;
    for (const auto& sample : round_.samples) {
      const auto& series = *sample.series;
      if (series.family->name != "quorumwatch_clock_bound_seconds" || series.labels.get("member") != name)
        continue;
      if (series.labels.get("source") == "all") continue;
      if (narrowest == nullptr || sample.value < narrowest->value) narrowest = &sample;
    }
    return narrowest ? fmt::format(" by {}", narrowest->series->labels.get("source")) : "";
  }

  std::string_view clock_state(const std::string& name) const {
    for (const auto& sample : round_.samples) {
      const auto& series = *sample.series;
      if (series.family->name != "quorumwatch_clock_state" || sample.value != 1) continue;
      if (series.labels.get("member") == name) return series.labels.get("state");
    }
    return {};
  }

  void note(std::string text) {
    if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(std::move(text));
  }

  const Round& round_;
  bool color_;
  Judged judged_;
  std::map<std::string, Member> members_;
  std::size_t claimants_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace

std::string print_round(const Round& round, bool color) {
  return Printer(round, color).print();
}

}  // namespace qw
