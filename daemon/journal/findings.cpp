#include "daemon/journal/findings.hpp"

#include <fmt/format.h>

#include <cmath>

#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"

namespace qw::journal {

std::string print_number(double value) {
  if (std::trunc(value) == value && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  return fmt::format("{:.6g}", value);
}

void add_evidence(Evidence& evidence, std::string_view name, const std::optional<double>& value) {
  if (value) evidence.emplace_back(name, print_number(*value));
}

void Findings::fine(Kind kind, std::string_view what, std::string_view subject, std::string text,
                    Evidence evidence) {
  if (!is_open(what, subject)) return;
  over_.push_back({.kind = kind,
                   .severity = Severity::info,
                   .what = std::string(what),
                   .subject = std::string(subject),
                   .text = std::move(text),
                   .evidence = std::move(evidence)});
}

void Findings::fine_except(Kind kind, std::string_view what, const std::set<std::string>& subjects,
                           const std::string& text) {
  for (const auto& subject : open_subjects(what)) {
    if (!subjects.contains(subject)) fine(kind, what, subject, text);
  }
}

std::set<std::string> Findings::open_subjects(std::string_view what) const {
  std::set<std::string> out;
  for (auto at = open_.lower_bound({std::string(what), ""}); at != open_.end() && at->what == what; ++at)
    out.insert(at->subject);
  return out;
}

void Findings::judge(const std::optional<double>& wrong, Finding finding) {
  if (!wrong) return;
  if (*wrong == 1) return holds(std::move(finding));
  const bool was_open = is_open(finding.what, finding.subject);
  fine(finding.kind, finding.what, finding.subject);
  if (was_open) over_.back().flickers = finding.flickers;
}

std::string subject_of(std::string_view text) {
  return sanitize(text, kMaxSubject);
}

}  // namespace qw::journal
