#include "daemon/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "daemon/export/journal_metrics.hpp"
#include "daemon/export/member_metrics.hpp"
#include "daemon/export/notification_metrics.hpp"
#include "daemon/export/placement_metrics.hpp"
#include "daemon/export/reflector_metrics.hpp"
#include "daemon/export/rule_metrics.hpp"
#include "daemon/export/self_metrics.hpp"
#include "probes/probe.hpp"
#include "probes/target.hpp"

namespace qw {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

/// The kinds' texts end with a full stop or without one.
std::string sentence(std::string_view text) {
  return fmt::format("{}{}", text, text.ends_with('.') ? "" : ".");
}

std::string code_words(std::string_view words) {
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    const auto end = std::min(words.find(' ', at), words.size());
    if (end > at) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", words.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string table(std::string_view title, std::string_view words, std::vector<MetricFamily> families) {
  if (families.empty()) return "";
  std::ranges::sort(families, {}, &MetricFamily::name);
  std::string out =
      fmt::format("\n## {}\n\n{}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", title, words);
  for (const auto& family : families) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", family.name, name(family.type), code_words(family.labels),
                       cell(family.help));
  }
  return out;
}

std::vector<MetricFamily> values(std::span<const MetricFamily* const> families) {
  std::vector<MetricFamily> out;
  for (const auto* family : families) out.push_back(*family);
  return out;
}

std::vector<MetricFamily> own_families() {
  auto own = exporting::SelfMetrics::families();
  for (const auto& family : exporting::NotificationMetrics::families()) own.push_back(family);
  for (const auto& family : exporting::RuleMetrics::families()) own.push_back(family);
  for (const auto& family : exporting::ReflectorMetrics::families()) own.push_back(family);
  for (const auto& family : exporting::JournalMetrics::families()) own.push_back(family);
  for (const auto& family : exporting::MemberMetrics::families()) own.push_back(family);
  for (const auto& family : exporting::PlacementMetrics::families()) own.push_back(family);
  std::ranges::sort(own, {}, &MetricFamily::name);
  return own;
}

}  // namespace

std::vector<MetricFamily> all_families() {
  auto out = own_families();
  const auto add = [&out](std::span<const MetricFamily* const> families) {
    for (const auto* family : families) out.push_back(*family);
  };
  add(probes::target_families());
  add(signals::signal_families());
  for (const auto* kind : probes::probe_kinds()) add(kind->metrics);
  return out;
}

std::string print_metrics() {
  std::string out =
      "# Metrics\n\nPrinted by `quorumwatch metrics`. A number that is not known is absent, never 0.\n";
  out += table("Every target", "Labels `system` and `target` (the configured name) on each.",
               values(probes::target_families()));
  out += table("Signals", "The same for every system; labels `system` and `target` besides those listed.",
               values(signals::signal_families()));
  for (const auto* kind : probes::probe_kinds()) {
    out += table(fmt::format("Only {}", kind->system), "What no signal judges, as the system says it.",
                 values(kind->metrics));
  }
  out += table("The daemon itself", "Without `system` and `target` unless listed.", own_families());
  return out;
}

std::string print_probes() {
  std::string out =
      "# Kinds of target\n\nPrinted by `quorumwatch probes`; the keys of each are in config/REFERENCE.md.\n";
  for (const auto* kind : probes::probe_kinds()) {
    out += fmt::format("\n## {}\n\n{}\n\n* Measures: {}\n* Asks: {}\n* Cannot see: {}\n", kind->system,
                       sentence(kind->summary), sentence(kind->measures), sentence(kind->asks),
                       sentence(kind->cannot_see));
    if (kind->metrics.empty()) continue;
    out += "* Metrics of its own:";
    for (const auto* family : kind->metrics) out += fmt::format(" `{}`", family->name);
    out += '\n';
  }
  return out;
}

}  // namespace qw
