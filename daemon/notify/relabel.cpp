#include "daemon/notify/relabel.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/base/text.hpp"

namespace qw::notify {
namespace {

using Action = RelabelRule::Action;

std::string joined(const RelabelRule& rule, const Labels& labels) {
  std::string out;
  for (const auto& name : rule.source_labels) {
    if (&name != &rule.source_labels.front()) out += rule.separator;
    out += labels.get(name);
  }
  return out;
}

template <class Keep>
void keep_if(Labels& labels, Keep keep) {
  std::vector<Labels::Pair> kept;
  for (const auto& pair : labels) {
    if (keep(pair)) kept.push_back(pair);
  }
  labels = Labels(std::move(kept));
}

std::string in_case(std::string text, char first, char last, int shift) {
  for (char& c : text) {
    if (c >= first && c <= last) c = static_cast<char>(c + shift);
  }
  return text;
}

/// As Prometheus: an expansion that is no label name changes nothing, one that is empty deletes the label.
void replace(const RelabelRule& rule, Labels& labels) {
  const auto value = joined(rule, labels);
  const auto target = rule.regex.expand(value, rule.target_label);
  if (!target || !is_label_name(*target)) return;
  labels.set(*target, *rule.regex.expand(value, rule.replacement));
}

void map_labels(const RelabelRule& rule, Labels& labels) {
  const Labels before = labels;
  for (const auto& [name, value] : before) {
    if (const auto to = rule.regex.expand(name, rule.replacement)) labels.set(*to, value);
  }
}

bool apply(const RelabelRule& rule, Labels& labels) {
  switch (rule.action) {
    case Action::keep:
      return rule.regex.matches(joined(rule, labels));
    case Action::drop:
      return !rule.regex.matches(joined(rule, labels));
    case Action::replace:
      replace(rule, labels);
      break;
    case Action::labeldrop:
      keep_if(labels, [&](const Labels::Pair& pair) { return !rule.regex.matches(pair.first); });
      break;
    case Action::labelkeep:
      keep_if(labels, [&](const Labels::Pair& pair) { return rule.regex.matches(pair.first); });
      break;
    case Action::labelmap:
      map_labels(rule, labels);
      break;
    case Action::lowercase:
      labels.set(rule.target_label, in_case(joined(rule, labels), 'A', 'Z', 'a' - 'A'));
      break;
    case Action::uppercase:
      labels.set(rule.target_label, in_case(joined(rule, labels), 'a', 'z', 'A' - 'a'));
      break;
  }
  return true;
}

}  // namespace

std::optional<Action> relabel_action(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Action>, 8> kActions{{
      {"replace", Action::replace},
      {"keep", Action::keep},
      {"drop", Action::drop},
      {"labeldrop", Action::labeldrop},
      {"labelkeep", Action::labelkeep},
      {"labelmap", Action::labelmap},
      {"lowercase", Action::lowercase},
      {"uppercase", Action::uppercase},
  }};
  const auto found = std::ranges::find(kActions, word, &std::pair<std::string_view, Action>::first);
  if (found == kActions.end()) return std::nullopt;
  return found->second;
}

bool relabel(const std::vector<RelabelRule>& rules, Labels& labels) {
  for (const auto& rule : rules) {
    if (!apply(rule, labels)) return false;
  }
  keep_if(labels, [](const Labels::Pair& pair) { return !pair.second.empty(); });
  return true;
}

}  // namespace qw::notify
