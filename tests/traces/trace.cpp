#include "tests/traces/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace qw::traces {
namespace {

const std::vector<std::string> kClaims{"unknown", "not_leader", "leader"};
const std::vector<std::string> kRoles{"unknown", "leader", "replica"};
const std::vector<std::string> kLinks{"unknown", "up", "down"};
const std::vector<std::string> kUnits{"bytes", "entries"};
const std::vector<std::string> kFencing{"fenced", "unfenced"};

template <class Enum>
const std::string& word(const std::vector<std::string>& words, Enum value) {
  return words.at(static_cast<std::size_t>(value));
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}
std::string or_dash(const std::optional<std::string>& text) {
  return or_dash(text.value_or(""));
}
std::string or_dash(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string print(const Asked& asked) {
  return fmt::format("{} {}", asked.sent.time_since_epoch().count(),
                     asked.received.time_since_epoch().count());
}

std::string flags(const LeadershipClaim& claim) {
  std::string out;
  if (claim.votes) out += 'v';
  if (claim.may_lead) out += 'l';
  if (claim.campaigning) out += 'c';
  if (claim.handing_over) out += 'h';
  return or_dash(out);
}

/// The words of one line, taken one after the other.
class Words {
 public:
  explicit Words(const std::string& line) : in_(line) {}

  std::string text() {
    std::string out;
    if (!(in_ >> out)) throw std::runtime_error("a word is missing");
    return out == "-" ? "" : out;
  }
  std::optional<std::uint64_t> number() {
    const auto out = text();
    if (out.empty()) return std::nullopt;
    return std::stoull(out);
  }
  SteadyTime time() { return SteadyTime(Nanoseconds(std::stoll(text()))); }
  Asked asked() {
    Asked out;
    out.sent = time();
    out.received = time();
    return out;
  }
  template <class Enum>
  Enum one_of(const std::vector<std::string>& words) {
    const auto found = std::ranges::find(words, text());
    if (found == words.end()) throw std::runtime_error("an unknown word");
    return static_cast<Enum>(found - words.begin());
  }

 private:
  std::istringstream in_;
};

LeadershipClaim read_claim(Words& words) {
  LeadershipClaim claim;
  claim.member = words.text();
  claim.asked = words.asked();
  claim.claim = words.one_of<Claim>(kClaims);
  claim.tenure.lineage = words.text();
  claim.tenure.epoch = words.number();
  claim.tenure.token = words.text();
  const auto follows = words.text();
  if (!follows.empty()) claim.follows = follows;
  const auto set = words.text();
  claim.votes = set.contains('v');
  claim.may_lead = set.contains('l');
  claim.campaigning = set.contains('c');
  claim.handing_over = set.contains('h');
  return claim;
}

ReplicaPosition read_position(Words& words) {
  ReplicaPosition position;
  position.member = words.text();
  position.reported_by = words.text();
  position.asked = words.asked();
  position.role = words.one_of<Role>(kRoles);
  position.lineage = words.text();
  position.position = words.number().value_or(0);
  position.unit = words.one_of<PositionUnit>(kUnits);
  position.data_until = words.number();
  position.link = words.one_of<Link>(kLinks);
  const auto fork = words.text();
  const auto at = words.number();
  if (at) position.forked_from = Fork{fork, *at};
  return position;
}

/// Puts the facts of a round back into looks: a member that speaks, or is silent, again was asked again. What
/// else was said belongs to the last look that had begun by then.
class Looks {
 public:
  Facts& of_speaker(const std::string& member, const Asked& asked) {
    if (looks_.empty() || !spoke_.insert(member).second) {
      looks_.emplace_back();
      begun_.push_back(asked.sent);
      spoke_.insert(member);
    }
    return looks_.back();
  }
  Facts& of_fact(const Asked& asked) {
    std::size_t look = 0;
    while (look + 1 < begun_.size() && begun_[look + 1] <= asked.sent) ++look;
    return looks_.at(look);
  }
  std::vector<Facts>& all() { return looks_; }

 private:
  std::vector<Facts> looks_;
  std::vector<SteadyTime> begun_;
  std::set<std::string> spoke_;
};

}  // namespace

void write_round(std::ostream& out, const Round& round) {
  const auto& facts = round.facts;
  out << fmt::format("round {} {} {} {}\n", round.finished.time_since_epoch().count(),
                     word(kFencing, facts.traits.fencing), facts.traits.failure_detection.count(),
                     facts.traits.settling.count());
  // Speakers first, in the order of time, so that the looks can be told apart.
  std::multimap<SteadyTime, std::string> lines;
  for (const auto& claim : facts.claims) {
    lines.emplace(
        claim.asked.sent,
        fmt::format("claim {} {} {} {} {} {} {} {}", claim.member, print(claim.asked),
                    word(kClaims, claim.claim), or_dash(claim.tenure.lineage), or_dash(claim.tenure.epoch),
                    or_dash(claim.tenure.token), or_dash(claim.follows), flags(claim)));
  }
  for (const auto& silent : facts.unanswered) {
    lines.emplace(silent.asked.sent, fmt::format("silent {} {}", silent.member, print(silent.asked)));
  }
  for (const auto& [sent, line] : lines) out << line << '\n';
  for (const auto& membership : facts.memberships) {
    out << fmt::format("members {} {} {} {} {}\n", membership.member, print(membership.asked),
                       or_dash(membership.lineage), membership.voters, membership.learners);
  }
  for (const auto& position : facts.positions) {
    out << fmt::format("position {} {} {} {} {} {} {} {} {} {} {}\n", position.member, position.reported_by,
                       print(position.asked), word(kRoles, position.role), or_dash(position.lineage),
                       position.position, word(kUnits, position.unit), or_dash(position.data_until),
                       word(kLinks, position.link),
                       position.forked_from ? or_dash(position.forked_from->lineage) : "-",
                       position.forked_from ? std::to_string(position.forked_from->position) : "-");
  }
}

Trace read_trace(std::istream& in) {
  Trace trace;
  Looks looks;
  Traits traits;
  const auto end_round = [&] {
    if (trace.rounds.empty()) return;
    trace.rounds.back().looks = std::move(looks.all());
    for (auto& look : trace.rounds.back().looks) look.traits = traits;
    looks = Looks();
  };
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    try {
      Words words(line);
      const auto kind = words.text();
      if (kind == "#") {
        if (line.starts_with("# expect ")) {
          words.text();
          auto when = words.text();
          auto series = words.text();
          trace.expectations.push_back({std::move(when), std::move(series), std::stod(words.text())});
        }
      } else if (kind == "round") {
        end_round();
        trace.rounds.push_back({.finished = words.time(), .looks = {}});
        traits.fencing = words.one_of<Fencing>(kFencing);
        traits.failure_detection = Nanoseconds(static_cast<std::int64_t>(words.number().value_or(0)));
        traits.settling = Nanoseconds(static_cast<std::int64_t>(words.number().value_or(0)));
      } else if (kind == "claim") {
        auto claim = read_claim(words);
        looks.of_speaker(claim.member, claim.asked).claims.push_back(claim);
      } else if (kind == "silent") {
        const auto member = words.text();
        const auto asked = words.asked();
        looks.of_speaker(member, asked)
            .unanswered.push_back({member, asked, Error(ErrorKind::timeout, "deadline exceeded")});
      } else if (kind == "members") {
        Membership membership;
        membership.member = words.text();
        membership.asked = words.asked();
        membership.lineage = words.text();
        membership.voters = static_cast<unsigned>(words.number().value_or(0));
        membership.learners = static_cast<unsigned>(words.number().value_or(0));
        looks.of_fact(membership.asked).memberships.push_back(membership);
      } else if (kind == "position") {
        auto position = read_position(words);
        looks.of_fact(position.asked).positions.push_back(position);
      } else {
        throw std::runtime_error("an unknown kind of line");
      }
    } catch (const std::exception& wrong) {
      throw std::runtime_error(fmt::format("line {}: {}: {}", number, wrong.what(), line));
    }
  }
  end_round();
  return trace;
}

}  // namespace qw::traces
