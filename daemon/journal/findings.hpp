#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "daemon/journal/event.hpp"

namespace qw::journal {

using Evidence = std::vector<std::pair<std::string, std::string>>;

/// "12", "0.25": as short as it is exact enough for a person.
std::string print_number(double value);
/// Adds the pair where the value is known.
void add_evidence(Evidence& evidence, std::string_view name, const std::optional<double>& value);

/// Which condition of a target.
struct ConditionKey {
  std::string what, subject;
  auto operator<=>(const ConditionKey&) const = default;
};

/// What one round shows of one target: what is wrong in it, what is proven not to be, and what happened since
/// the round before. What nobody mentions is unknown.
class Findings {
 public:
  struct Finding {
    Kind kind = Kind::target;
    Severity severity = Severity::warning;
    std::string what, subject, text;
    Evidence evidence;
    /// On a busy machine it comes and goes: it is an event only once it has lasted (Watch::kMatters).
    bool flickers = false;
  };
  /// Whether a condition is open now, so that finders need not tell of each of a thousand members that it is
  /// fine.
  using IsOpen = std::set<ConditionKey>;
  explicit Findings(const IsOpen& open) : open_(open) {}

  void holds(Finding finding) { wrong_.push_back(std::move(finding)); }
  /// It is known not to be so (any more). `text`: how things stand instead; may be empty.
  void fine(Kind kind, std::string_view what, std::string_view subject, std::string text = {},
            Evidence evidence = {});
  /// Of all subjects but these.
  void fine_except(Kind kind, std::string_view what, const std::set<std::string>& subjects,
                   const std::string& text);
  /// `wrong`: 1 holds, 0 fine, nothing: unknown.
  void judge(const std::optional<double>& wrong, Finding finding);
  void happened(Finding finding) { happened_.push_back(std::move(finding)); }

  std::vector<Finding>& wrong() { return wrong_; }
  std::vector<Finding>& over() { return over_; }
  std::vector<Finding>& events() { return happened_; }
  /// Of the conditions that are open.
  std::set<std::string> open_subjects(std::string_view what) const;
  bool is_open(std::string_view what, std::string_view subject) const {
    return open_.contains(ConditionKey{std::string(what), std::string(subject)});
  }

 private:
  const IsOpen& open_;
  std::vector<Finding> wrong_, over_, happened_;
};

/// Of an event about the clock of our own machine, which every target tells of.
inline constexpr std::string_view kOwnStep = "own_step";

/// "10.0.0.1:6379": a name or text from a target, without control characters and not longer than a line.
std::string subject_of(std::string_view text);

}  // namespace qw::journal
