#include "daemon/store/matchers.hpp"

#include <algorithm>

namespace qw::store {
namespace {

constexpr std::string_view kNameLabel = "__name__";
/// Bytes that one compiled expression may take; patterns come from the user's rule files and from requests.
constexpr std::int64_t kMaxPatternMemory = 1 << 20;

bool is_regex(MatchType type) {
  return type == MatchType::regex || type == MatchType::not_regex;
}

/// metric_name() == name, without making a string of it.
bool is_named(const Series& series, std::string_view name) {
  const auto family = series.family->name;
  return name.size() == family.size() + series.suffix.size() && name.starts_with(family) &&
         name.ends_with(series.suffix);
}

bool holds(const Matcher& matcher, const RE2* pattern, std::string_view value) {
  switch (matcher.type) {
    case MatchType::equal:
      return value == matcher.value;
    case MatchType::not_equal:
      return value != matcher.value;
    case MatchType::regex:
      return pattern && RE2::FullMatch({value.data(), value.size()}, *pattern);
    case MatchType::not_regex:
      return pattern && !RE2::FullMatch({value.data(), value.size()}, *pattern);
  }
  return false;
}

}  // namespace

std::string metric_name(const Series& series) {
  std::string name(series.family->name);
  name += series.suffix;
  return name;
}

std::shared_ptr<const RE2> Patterns::find(const std::string& pattern) {
  if (const auto found = compiled_.find(pattern); found != compiled_.end()) return found->second;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);  // as PromQL has it
  options.set_max_mem(kMaxPatternMemory);
  auto made = std::make_shared<const RE2>(pattern, options);
  if (!made->ok()) made = nullptr;
  if (compiled_.size() >= kMaxCached) compiled_.clear();
  compiled_.emplace(pattern, made);
  return made;
}

Selector::Selector(std::span<const Matcher> matchers, Patterns& patterns) {
  for (const auto& matcher : matchers) {
    if (matcher.label == kNameLabel && matcher.type == MatchType::equal && fixed_name_.empty()) {
      fixed_name_ = matcher.value;
      if (!fixed_name_.empty()) continue;
    }
    auto& half = matcher.label == kNameLabel ? of_name_ : of_labels_;
    half.push_back(
        {.matcher = &matcher, .pattern = is_regex(matcher.type) ? patterns.find(matcher.value) : nullptr});
  }
}

bool Selector::matches(const Series& series) const {
  if (!fixed_name_.empty() && !is_named(series, fixed_name_)) return false;
  if (!of_name_.empty() && !matches_name(metric_name(series))) return false;
  return matches_labels(series);
}

bool Selector::matches_name(std::string_view name) const {
  if (!fixed_name_.empty() && name != fixed_name_) return false;
  return std::ranges::all_of(
      of_name_, [name](const Compiled& one) { return holds(*one.matcher, one.pattern.get(), name); });
}

bool Selector::matches_labels(const Series& series) const {
  return std::ranges::all_of(of_labels_, [&series](const Compiled& one) {
    return holds(*one.matcher, one.pattern.get(), series.labels.get(one.matcher->label));
  });
}

}  // namespace qw::store
